"""Writes a new study's config, and the csv of its clips where the person has none."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audioldm_bench.datasets import table as table_adapter
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.errors import UserError
from audioldm_bench.files import write_atomically
from audioldm_bench.new_study import folds, plan
from audioldm_bench.new_study.lengths import Lengths, measure
from audioldm_bench.new_study.sources import COLUMNS, Source, find_source
from audioldm_bench.templates import templates

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # as the config's `study`
_HERE = Path(__file__).parent
_SNAKEFILE = _HERE.parents[2] / "Snakefile"
_SHOWN = 3  # names in a sentence


@dataclass(frozen=True)
class NewStudy:
    """What was written, and what the person should hear of it."""

    files: list[Path]
    plan: plan.Plan
    lengths: Lengths
    notes: list[str]
    commands: list[str]


def new_study(name: str, data: Path, *, offline: bool) -> NewStudy:
    """Writes <name>.yaml, and <name>.csv where it is needed, into the current folder.

    UserError, and nothing is written, when one of them is there already, or when no study can be
    made of `data`.
    """
    config, written = Path(f"{name}.yaml"), Path(f"{name}.csv")
    _refuse_name(name, config)
    source = find_source(data)
    clips = _clips(source)
    if plan.needs_folds(clips):
        source.rows = _with_folds(clips)
        source.notes.append("clips of one group are kept together, in folds of the csv below")
        clips = _clips(source)
    if source.rows is not None and written.exists():
        raise UserError(f"{written} is there already: choose another name, or move it away")
    shown = source.table or source.folder
    lengths = measure(source.folder, clips, shown)
    made = plan.make_plan(clips, lengths, shown, offline=offline)
    there = lengths.opened(clips)
    whole = "all_tables figure2" if _one_description(there) else "all"
    commands = [_command(target, config) for target in ("check_data", whole)]
    place = written if source.rows is not None else source.table
    text = _config(name, source.folder, place, made, lengths, commands, offline)
    files = [config]
    if source.rows is not None:
        _write(written, _as_csv(source.rows))
        files.append(written)
    _write(config, text)
    notes = [*source.notes, *_notes(there, lengths, made)]
    return NewStudy(files, made, lengths, notes, commands)


def _refuse_name(name: str, config: Path) -> None:
    if not NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is no name of a study: use letters, digits, dots, hyphens and underscores,"
            " such as my-study"
        )
    if config.exists() or config.is_symlink():
        raise UserError(f"{config} is there already: choose another name, or move it away")
    results = Path("results") / name
    if results.exists():
        raise UserError(f"{results} holds results of a study of that name: choose another name")


def _clips(source: Source) -> list[Clip]:
    """As the adapter `table` will read them; a csv that is not written yet is read from a draft."""
    if source.rows is None:
        assert source.table
        return table_adapter.scan(source.folder, {"table": source.table.name})
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, "clips.csv")
        draft.write_text(_as_csv(source.rows), encoding="utf-8")
        return table_adapter.scan(source.folder, {"table": str(draft)})


def _with_folds(clips: Sequence[Clip]) -> list[dict[str, str]]:
    dealt = folds.deal(clips, plan.SEED)
    return [
        {
            "file": clip.file,
            "caption": clip.caption,
            "label": clip.label,
            "fold": str(dealt[clip.group]),
            "group": clip.group,
        }
        for clip in clips
    ]


def _as_csv(rows: Sequence[dict[str, str]]) -> str:
    text = io.StringIO()
    columns = [name for name in COLUMNS if any(row.get(name) for row in rows)]
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    with write_atomically(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def _one_description(clips: Sequence[Clip]) -> bool:
    """Whether nothing tells the clips apart, so that Figure 1 cannot be made of them."""
    return len({clip.label or clip.caption for clip in clips}) < 2


def _command(targets: str, config: Path) -> str:
    words = ["snakemake", *targets.split()]
    if not Path("Snakefile").is_file() and _SNAKEFILE.is_file():
        words += ["--snakefile", str(_SNAKEFILE)]
    return shlex.join([*words, "--configfile", str(config)])


def _config(
    name: str,
    folder: Path,
    table: Path | None,
    made: plan.Plan,
    lengths: Lengths,
    commands: Sequence[str],
    offline: bool,
) -> str:
    assert table
    environment = templates(_HERE, markup=False)
    batch = 16 if offline else 8
    return environment.get_template("study.yaml.j2").render(
        name=name,
        seed=plan.SEED,
        dataset=plan.DATASET,
        # not through a link, past which .. would lead elsewhere
        table=os.path.relpath(os.path.realpath(table), os.path.realpath(folder)),
        folder=str(folder),
        plan=made,
        lengths=lengths,
        passes=round(made.steps * batch / made.counts["train"]),
        offline=offline,
        commands=commands,
        quoted=lambda value: json.dumps(value, ensure_ascii=False),
    )


def _notes(there: Sequence[Clip], lengths: Lengths, made: plan.Plan) -> Iterator[str]:
    for what, names in (("not there", lengths.missing), ("no readable sound", lengths.unreadable)):
        if names:
            some = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            yield f"{len(names)} of {lengths.total} files are {what}, and will be left out: {some}"
    classes = Counter(clip.labels[0] for clip in there if clip.labels)
    few = sorted(label for label, number in classes.items() if number < 4)
    if few:
        yield f"classes of fewer than 4 clips, hardly trained on: {', '.join(few)}"
    if max(lengths.seconds) > made.generated:
        yield f"of clips longer than {made.generated:g} s a part is used, drawn once"
    if _one_description(there):
        yield "all clips have one label or caption: Figure 1 and the report need at least two"
    if not made.counts["validation"]:
        other = ", or their files are left out" if lengths.lost() else ""
        why = f"no recording is as small as their share (split.validation){other}"
        yield f"no validation clips: {why}"
    if not made.classes:
        yield "no labels: Figure 1 takes each caption for a class of its own"
