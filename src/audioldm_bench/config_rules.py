"""What a JSON schema cannot say of a config: how its keys agree with each other and with the disk.

Every rule reads the config through `at`, so that a rule still finds its mistakes when the schema
has found others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from string import Formatter
from typing import Any

LISTS = Path("resources/lists")  # where the workflow puts the files of the section `lists`

# The numbers of clips that a synthetic dataset of each layout takes.
_SYNTHETIC_KEYS = {
    "audiocaps": ["train", "validation", "evaluation"],
    "audioset": ["train", "evaluation"],
    "esc50": ["per_class"],
    "urbansound8k": ["per_class"],
}
# The split that a layout's tables cannot give.
_LACKING = {
    **dict.fromkeys(("audiocaps", "audioset"), "fold"),
    **dict.fromkeys(("esc50", "urbansound8k"), "official"),
}


def used_datasets(config: dict) -> list[str]:
    """Datasets that tables, figures, training and trained models need, in the config's order."""
    needed = {name for _, name in _named_datasets(config)}
    return [name for name in at(config, "datasets") if name in needed]


def broken_rules(config: dict, base: Path) -> Iterator[str]:
    """A sentence for each rule that the config breaks; relative paths count from `base`."""
    yield from _unknown_datasets(config)
    yield from _untrained_datasets(config)
    yield from _training_steps(config)
    yield from _choosing_clips(config)
    yield from _adapter(config)
    for name in used_datasets(config):
        yield from _source(config, name, base)
        yield from _split(config, name)
        yield from _evaluation_list(config, name, base)
    for name in at(config, "datasets"):
        yield from _template(config, name)
    yield from _models(config)
    yield from _cookies(config, base)


def one_of(value: Any, known: Iterable[Any]) -> str:
    """The cure for a value that is not among the known ones, with the likeliest first."""
    known = [str(item) for item in known]
    close = get_close_matches(str(value), known, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    if not known:
        return "there is none to choose from"
    return f"{guess}it must be {'one of ' if len(known) > 1 else ''}{', '.join(known)}"


def at(config: Any, *keys: str, kind: Any = dict) -> Any:
    """The value below the keys if it is of that kind, else an empty one (of numbers: 0)."""
    for key in keys:
        config = config.get(key) if isinstance(config, dict) else None
    if kind is float and isinstance(config, int):
        config = float(config)
    fits = isinstance(config, kind) and not (kind is not bool and isinstance(config, bool))
    return config if fits else kind()


def _names(config: dict, *keys: str) -> list[str]:
    return [name for name in at(config, *keys, kind=list) if isinstance(name, str)]


def _named_datasets(config: dict) -> Iterator[tuple[str, str]]:
    """(key, dataset) for every place of the config that needs a dataset."""
    for section in ("training", "table1", "table2"):
        for name in _names(config, section, "datasets"):
            yield f"{section}.datasets", name
    for section in ("figure1", "figure2"):
        if name := at(config, section, "dataset", kind=str):
            yield f"{section}.dataset", name
    if at(config, "models", "source", kind=str) == "trained" and (
        name := at(config, "models", "trained", "dataset", kind=str)
    ):
        yield "models.trained.dataset", name


def _unknown_datasets(config: dict) -> Iterator[str]:
    known = list(at(config, "datasets"))
    named = list(_named_datasets(config))
    named += [("training.steps", str(name)) for name in at(config, "training", "steps")]
    for key, name in named:
        if name not in known:
            yield (
                f"`{key}` names the unknown dataset `{name}`: {one_of(name, known)}, "
                "or describe it under `datasets`."
            )


def _untrained_datasets(config: dict) -> Iterator[str]:
    trained = _names(config, "training", "datasets")
    known = at(config, "datasets")
    for key, name in _named_datasets(config):
        needs_training = key in ("table2.datasets", "figure2.dataset")
        if trained and needs_training and name in known and name not in trained:
            yield (
                f"`{key}` names `{name}`, which is not trained: "
                f"add `{name}` to `training.datasets`, or take it out here."
            )


def _training_steps(config: dict) -> Iterator[str]:
    steps = at(config, "training", "steps")
    for name in _names(config, "training", "datasets"):
        if name in at(config, "datasets") and name not in steps:
            yield (
                f"`training.steps.{name}` is missing: `training.datasets` names `{name}`, "
                "so say at which step its training ends."
            )


def _choosing_clips(config: dict) -> Iterator[str]:
    """A checkpoint that validation clips choose needs some; those of official splits are theirs."""
    if "validation" not in _names(config, "table2", "select_on"):
        return
    for name in _names(config, "table2", "datasets"):
        split = at(config, "datasets", name, "split")
        if split.get("kind") in ("random", "fold") and not split.get("validation"):
            yield (
                f"`table2.select_on` has `validation`, but `datasets.{name}.split.validation` is "
                "0: set it to a number of clips, or choose on [evaluation]."
            )


def _adapter(config: dict) -> Iterator[str]:
    if at(config, "training", "lora") and "scratch" in _names(
        config, "training", "initialisations"
    ):
        yield (
            "`training.initialisations` has `scratch`, but `training.lora` learns beside weights "
            "that stay as they are: write [pretrained], or set `training.lora` to null."
        )


def _source(config: dict, name: str, base: Path) -> Iterator[str]:
    """Each source needs the key that describes it; what is named must be there."""
    key, dataset = f"datasets.{name}", at(config, "datasets", name)
    source, adapter = dataset.get("source"), dataset.get("adapter")
    table = at(dataset, "table", kind=str)
    if source == "synthetic" and not dataset.get("synthetic"):
        yield (
            f"`{key}.source` is synthetic but `{key}.synthetic` is missing: "
            "say how many clips of which duration to make, as in config/mini.yaml."
        )
    if source == "synthetic":
        yield from _synthetic(f"{key}.synthetic.clips", at(dataset, "synthetic", "clips"), adapter)
    if source == "synthetic" and adapter == "table":
        yield f"`{key}.adapter` is table but `{key}.source` is synthetic: set the source to folder."
    if source == "download" and not dataset.get("download"):
        yield (
            f"`{key}.source` is download but `{key}.download` names no file: "
            "give its url and sha256, or set the source to folder."
        )
    if adapter == "table" and not table:
        yield f"`{key}.table` is missing: the adapter table needs the name of its csv, so add it."
    if source == "folder":
        yield from _folder(key, at(dataset, "folder", kind=str), base, table)


def _synthetic(key: str, clips: dict, adapter: Any) -> Iterator[str]:
    wanted = _SYNTHETIC_KEYS.get(adapter, []) if isinstance(adapter, str) and clips else []
    for name in wanted:
        if name not in clips:
            yield f"`{key}.{name}` is missing: the layout {adapter} needs this number of clips."
    for name in clips:
        if wanted and name not in [*wanted, "classes"]:
            yield f"`{key}.{name}`: the layout {adapter} takes {', '.join(wanted)} only; remove it."


def _folder(key: str, folder: str, base: Path, table: str) -> Iterator[str]:
    if not folder:
        yield f"`{key}.folder` is missing: `{key}.source` is folder, so give the folder's path."
    elif not (base / folder).is_dir():
        yield (
            f"`{key}.folder` is {json.dumps(folder)}, where there is no folder: "
            f"{nearby(base / folder)}"
        )
    elif table and not (base / folder / table).is_file():
        yield (
            f"`{key}.table` is {json.dumps(table)}, a file that is not in {base / folder}: "
            f"{nearby(base / folder / table)}"
        )


def nearby(path: Path) -> str:
    """The cure for a path that is not there, with what lies beside it if that looks alike."""
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, beside, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"{guess}correct the path (looked at {path})."


def _split(config: dict, name: str) -> Iterator[str]:
    key, dataset = f"datasets.{name}.split", at(config, "datasets", name)
    split, adapter = at(dataset, "split"), dataset.get("adapter")
    kind = at(split, "kind", kind=str)
    if kind == _LACKING.get(adapter if isinstance(adapter, str) else ""):
        others = " or ".join(other for other in ("random", "fold", "official") if other != kind)
        yield f"`{key}.kind` is {kind}, which {adapter} does not have: use {others}."
    if kind == "fold" and split.get("evaluation_folds") == []:
        yield f"`{key}.evaluation_folds` is empty: name the folds that are evaluated, such as [5]."
    if kind == "random" and split.get("evaluation") == 0:
        yield f"`{key}.evaluation` is 0: say how many clips are drawn for evaluation."
    if kind in ("fold", "random") and dataset.get("evaluation_list"):
        yield (
            f"`datasets.{name}.evaluation_list` and `{key}.kind` {kind} both choose the evaluation "
            f"clips: set `{key}.kind` to official, or the list to null."
        )


def _evaluation_list(config: dict, name: str, base: Path) -> Iterator[str]:
    path = at(config, "datasets", name, "evaluation_list", kind=str)
    lists = at(config, "lists")
    if not path or (base / path).is_file():
        return
    key = f"datasets.{name}.evaluation_list"
    if Path(path).parent != LISTS:
        yield f"`{key}` is {json.dumps(path)}, where there is no file: {nearby(base / path)}"
    elif Path(path).name not in lists:
        yield (
            f"`{key}` is {json.dumps(path)}, which is not there and not among `lists`: "
            f"{one_of(Path(path).name, lists)}, or add its url to `lists`."
        )


def _cookies(config: dict, base: Path) -> Iterator[str]:
    path = at(config, "runtime", "youtube", "cookies", kind=str)
    if path and not (base / path).is_file():
        start = f"`runtime.youtube.cookies` is {json.dumps(path)}, where there is no file: "
        yield f"{start}{nearby(base / path)}"


def _template(config: dict, name: str) -> Iterator[str]:
    template = at(config, "datasets", name, "caption_template", kind=str)
    start = f"`datasets.{name}.caption_template` is {json.dumps(template)}: "
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        yield start + "its braces do not match; write {{ or }} for a brace that is meant as such."
        return
    fields = [field for _, field, _, _ in parts if field is not None]
    for field in fields:
        if field not in ("caption", "label"):
            yield start + f"{{{field}}} is unknown; only {{caption}} and {{label}} are replaced."
    if template and not fields:
        yield start + "it names no clip; it must contain {caption} or {label}."


def _models(config: dict) -> Iterator[str]:
    source = at(config, "models", "source", kind=str)
    if source == "trained" and not at(config, "models", "trained"):
        yield (
            "`models.trained` is empty but `models.source` is trained: give the models' sizes "
            "and steps as in config/mini.yaml, or set the source to published."
        )
    checkpoint = at(config, "models", "published", "checkpoint", kind=str)
    checkpoints = list(at(config, "models", "published", "checkpoints"))
    if source == "published" and checkpoint not in checkpoints:
        yield (
            f"`models.published.checkpoint` is {json.dumps(checkpoint)}: "
            f"{one_of(checkpoint, checkpoints)}, or add it to `models.published.checkpoints`."
        )
