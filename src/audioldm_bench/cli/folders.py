"""Folders of clips scored from Python: what `audioldm-bench evaluate` and `compare` do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from audioldm_bench.cli import sides
from audioldm_bench.cli.choice import Options
from audioldm_bench.cli.unpaired import estimate_unpaired
from audioldm_bench.cli.work import Files, Work, remarks
from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.estimates import estimate
from audioldm_bench.evaluation.pairs import identities, load_features, pair_clips
from audioldm_bench.evaluation.ranking import compare
from audioldm_bench.evaluation.system import interval_record, versions
from audioldm_bench.store import Store

SIDES = ("generated", "reference")


def evaluate_folders(
    generated: Path,
    reference: Path,
    options: Options | None = None,
    *,
    unpaired: bool = False,
    before: Callable[[], object] = lambda: None,
) -> dict:
    """The record that `evaluate` writes as metrics.json, of two folders of clips.

    Clips pair by file name; with `unpaired` the folders are compared as a whole. `before` is called
    once the arguments are found to be good, ahead of downloads and networks. UserError for every
    mistake in what is given.
    """
    work = Work(options or Options(), unpaired=unpaired)
    pair = sides.look(generated), sides.look(reference)
    sides.apart(pair)
    work.check_captions(list(pair[0].clips) if unpaired else sides.shared(*pair))
    before()
    work.fetch_weights()
    files = work.features(pair[0]), work.features(pair[1])
    record = _unpaired(work, *files) if unpaired else _paired(work, *files)
    return record | {
        "mode": "unpaired" if unpaired else "paired",
        "folders": _by_side(*(str(side.folder.resolve()) for side in pair)),
        "features": _by_side(*map(identities, files)),
        "other_files": _by_side(*(list(side.others) for side in pair)),
        "remarks": _by_side(*map(remarks, files)),
        "left_out": work.left_out,
        "versions": versions(),
    }


def compare_folders(
    systems: Mapping[str, Path],
    reference: Path,
    options: Options | None = None,
    *,
    bounds: Collection[str] = (),
    rank_by: str | None = None,
    before: Callable[[], object] = lambda: None,
) -> dict:
    """The record that `compare` writes as comparison.json, of folders of clips by system's name.

    All systems are scored on the clips that all of them and the reference have. Those named in
    `bounds`, a floor or a ceiling, are scored on what they have of these and get no rank.
    `rank_by`: a full name, or None for the first metric; `before` as of `evaluate_folders`.
    """
    ranked = [name for name in systems if name not in bounds]
    if len(ranked) < 2:
        raise UserError("compare: needs two systems or more; for one there is evaluate")
    work = Work(options or Options())
    if rank_by is not None and rank_by not in work.names:
        raise UserError(f"--rank-by {rank_by}: choose one of {', '.join(work.names)}")
    real = sides.look(reference)
    folders = {name: sides.look(folder) for name, folder in systems.items()}
    sides.apart([real, *folders.values()])
    shared = {name: set(sides.shared(side, real)) for name, side in folders.items()}
    work.check_captions(sorted(set.intersection(*(shared[name] for name in ranked))))
    before()
    work.fetch_weights()
    files = {name: work.features(side) for name, side in folders.items()}
    files_of_real = work.features(real)
    found = compare(
        files,
        files_of_real,
        metrics_config=work.config,
        seed=work.options.seed,
        text=work.text(),
        bounds=bounds,
        names=work.names,
        rank_by=rank_by or work.names[0],
    )
    places = {name: str(side.folder.resolve()) for name, side in folders.items()}
    return found | {
        "folders": {"systems": places, "reference": str(real.folder.resolve())},
        "features": identities(files_of_real),
        "interval": interval_record(work.config, found["n"], work.options.seed),
        "other_files": {name: list(side.others) for name, side in folders.items()},
        "remarks": {name: remarks(of) for name, of in files.items()},
        "versions": versions(),
    }


def _by_side(generated: object, reference: object) -> dict:
    return dict(zip(SIDES, (generated, reference), strict=True))


def _paired(work: Work, generated: Files, reference: Files) -> dict:
    usable = dict(zip(SIDES, map(_usable, (generated, reference)), strict=True))
    n = len(set.intersection(*(set(ids) for ids, _ in usable.values())))
    if n < 2:
        told = sides.some(
            f"{clip_id} of {side} ({why})"
            for side, (_, reasons) in usable.items()
            for clip_id, why in reasons.items()
        )
        raise UserError(
            f"{n} pair(s) of clips can be used, and metrics need two (set aside: {told or 'none'})"
        )
    ids, missing = pair_clips(generated, reference)
    both = load_features(generated, ids), load_features(reference, ids)
    return work.score(estimate, *both) | {"unpaired": missing}


def _unpaired(work: Work, generated: Files, reference: Files) -> dict:
    found, rejected = [], {}
    for name, files in zip(SIDES, (generated, reference), strict=True):
        ids, reasons = _usable(files)
        if len(ids) < 2:
            told = sides.some(f"{clip_id} ({why})" for clip_id, why in reasons.items())
            raise UserError(
                f"the {name} folder has {len(ids)} usable clip(s), and metrics need two "
                f"(set aside: {told or 'none'})"
            )
        rejected[f"rejected_{name}"] = reasons
        found.append(load_features(files, ids))
    counts = {key: len(value) for key, value in rejected.items()}
    record = work.score(estimate_unpaired, *found)
    n_reference = len(found[1].ids)
    return record | {"n_reference": n_reference, "unpaired": rejected | {"counts": counts}}


def _usable(files: Files) -> tuple[list[str], dict[str, str]]:
    """Ids that all feature files of a folder have, and why other clips are set aside."""
    kept: list[set[str]] = []
    rejected: dict[str, str] = {}
    for path in files.values():
        with Store(path) as store:
            kept.append(set(store.ids))
            rejected |= store.rejected
    return sorted(set.intersection(*kept)), dict(sorted(rejected.items()))
