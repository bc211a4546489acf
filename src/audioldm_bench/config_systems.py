"""The config's `systems`: other people's folders of clips, and how they agree with the study."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from .config_rules import at, nearby, one_of
from .errors import UserError

# The systems that the workflow makes itself; also a name that differs in upper case only, for file
# systems that do not tell them apart.
_BUILT_IN = re.compile(
    r"real|floor|ceiling-(noise|shuffled)|baseline-(text|audio)|vocoded|composed"
    r"|corrupted-(noise|mask|interference|disorder)|(scratch|pretrained)-(audio|text)-\d+",
    re.IGNORECASE,
)


def broken_systems(config: dict, base: Path) -> Iterator[str]:
    """A sentence for each rule that `systems` breaks; relative paths count from `base`."""
    systems = at(config, "systems")
    first: dict[str, str] = {}
    for name in map(str, systems):
        if _BUILT_IN.fullmatch(name):
            yield f"`systems.{name}`: the study makes a system of this name itself; take another."
        elif first.setdefault(name.lower(), name) != name:
            yield (
                f"`systems.{name}` and `systems.{first[name.lower()]}` differ in upper and lower "
                "case only, which some file systems do not tell apart; rename one."
            )
        yield from _dataset_names(config, name)
        yield from _folders(config, name, base)


def _dataset_names(config: dict, name: str) -> Iterator[str]:
    known = list(at(config, "datasets"))
    shown = [d for table in ("table1", "table2") for d in at(config, table, "datasets", kind=list)]
    for dataset in at(config, "systems", name, "folders"):
        key = f"systems.{name}.folders"
        if dataset not in known:
            yield f"`{key}` names the unknown dataset `{dataset}`: {one_of(dataset, known)}."
        elif dataset not in shown:
            yield (
                f"`{key}` names `{dataset}`, which is in no table of the study: "
                f"add `{dataset}` to `table1.datasets`, or take it out here."
            )


def _folders(config: dict, name: str, base: Path) -> Iterator[str]:
    """Each folder must be there, hold sound, and be none that the workflow writes to."""
    own = f"results/{at(config, 'study', kind=str) or '-'}"
    results = (base / own).resolve()
    for dataset in at(config, "systems", name, "folders"):
        folder = at(config, "systems", name, "folders", dataset, kind=str)
        start = f"`systems.{name}.folders.{dataset}` is {json.dumps(folder)}"
        path = base / folder
        if not folder:
            continue  # the schema says what is wrong
        if not path.is_dir():
            yield f"{start}, where there is no folder: {nearby(path)}"
        elif path.resolve().is_relative_to(results) or results.is_relative_to(path.resolve()):
            yield (f"{start}: the study writes to this folder itself; give one outside of {own}.")
        else:
            yield from _sounds(start, path)


def _sounds(start: str, path: Path) -> Iterator[str]:
    from .features.clips import find_clips  # most studies have no such folder

    try:
        find_clips(path)
    except UserError as mistake:
        yield f"{start}: {mistake}."
    except OSError as error:
        yield f"{start}, which cannot be read ({error.strerror}): give yourself the right to."
