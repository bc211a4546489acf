"""Several systems scored on the same clips, ranked, with intervals of their differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.estimates import Estimate, estimate
from audioldm_bench.evaluation.pairs import (
    ids_sha256,
    load_captions,
    load_features,
    pair_clips,
)
from audioldm_bench.evaluation.system import interval_record, values_record
from audioldm_bench.metrics.bootstrap import interval
from audioldm_bench.metrics.registry import VARIANTS, configured, parse_name

Features = Mapping[str, Path]  # feature files by backbone


def compare(
    systems: Mapping[str, Features],
    reference: Features,
    *,
    metrics_config: Mapping,
    seed: int,
    text: Path | None = None,
    bounds: Iterable[str] = (),
    names: Sequence[str] | None = None,
    rank_by: str | None = None,
) -> dict:
    """Scores `systems` (feature files by name and backbone) against `reference` on the same clips.

    The clips are those that the reference and all systems have. The systems named in `bounds`,
    floor and ceiling, take none away: they are scored on what they hold of these clips and have no
    rank. `names`: full names of the metrics, all that `metrics_config` asks for where they are not
    given; `rank_by`: one of them, else the first, which is FD in a study. `text`: the store of the
    captions' embeddings, for the CLAP score.

    Returns "n", "clip_list_sha256", "rank_by", "interval" (how intervals were made), "metrics"
    (full names in order), "names" (full names by short key), "left_out" (by system: clips that it
    lacks, and how many of its own others lack) and "systems", by name: "n", "values" (by full name:
    value, low, high, ...), "rank" (None of bounds) and "behind" (by full name: value minus that of
    the first in rank, as difference, low, high, beyond_chance: whether the interval leaves out 0;
    empty for the first itself and for bounds). Intervals of differences come from the same halves
    for both. UserError if fewer than two clips are in all, or if `rank_by` is no metric here.
    """
    keys = configured(metrics_config) if names is None else {full: full for full in names}
    rank_by = _checked(rank_by or next(iter(keys.values())), keys)
    bounds = set(bounds)
    settings = {"metrics_config": metrics_config, "seed": seed, "text": text}
    paired = {name: pair_clips(files, reference) for name, files in systems.items()}
    ids = _common({name: found for name, (found, _) in paired.items() if name not in bounds})
    scored = {}
    for name, files in systems.items():
        held = set(paired[name][0])
        kept = [clip for clip in ids if clip in held]
        if len(kept) < 2:
            raise UserError(f"compare: '{name}' holds {len(kept)} of the {len(ids)} common clips")
        scored[name] = _score(files, reference, kept, list(keys.values()), **settings)
    order = _ranked({n: found[rank_by] for n, found in scored.items() if n not in bounds}, rank_by)
    made = interval_record(metrics_config, len(ids), seed)
    return {
        "n": len(ids),
        "clip_list_sha256": ids_sha256(ids),
        "rank_by": rank_by,
        "interval": made,
        "metrics": list(keys.values()),
        "names": keys,
        "left_out": {name: _left_out(*found, ids) for name, found in paired.items()},
        "systems": {name: _record(name, scored, order, made["level"]) for name in scored},
    }


def _checked(rank_by: str, keys: Mapping[str, str]) -> str:
    if rank_by not in keys.values():
        known = ", ".join(keys.values())
        raise UserError(f"compare: '{rank_by}' is not computed; rank by one of {known}")
    return rank_by


def _common(clips: Mapping[str, Sequence[str]]) -> list[str]:
    """Ids that all systems have, sorted; UserError if there are fewer than two."""
    if not clips:
        raise UserError("compare: no systems to compare")
    common = sorted(set.intersection(*map(set, clips.values())))
    if len(common) < 2:
        sizes = ", ".join(f"{name} {len(ids)}" for name, ids in clips.items())
        raise UserError(
            f"compare: {len(common)} clip(s) in all systems ({sizes}); leave out the system whose "
            "clips have other names"
        )
    return common


def _score(
    files: Features,
    reference: Features,
    ids: Sequence[str],
    names: Sequence[str],
    *,
    metrics_config: Mapping,
    seed: int,
    text: Path | None,
) -> dict[str, Estimate]:
    """Estimates of one system on `ids`; its features are let go of before the next one's."""
    wanted = any(VARIANTS[parse_name(full)[0]].needs == "text" for full in names)
    captions = load_captions(text, ids) if wanted and text is not None else None
    generated, real = load_features(files, ids), load_features(reference, ids)
    return estimate(
        generated, real, metrics_config, seed=seed, captions=captions, names=list(names)
    )


def _ranked(scores: Mapping[str, Estimate], full: str) -> list[str]:
    """Names, the best first; of equal ones in alphabetical order."""
    sign = -1 if VARIANTS[parse_name(full)[0]].higher_is_better else 1
    return sorted(scores, key=lambda name: (sign * scores[name].value, name))


def _record(
    name: str, scored: Mapping[str, Mapping[str, Estimate]], order: Sequence[str], level: float
) -> dict:
    own, best = scored[name], scored[order[0]]
    ranked = name in order
    return {
        "n": next(iter(own.values())).n,
        "values": {full: values_record(one) for full, one in own.items()},
        "rank": order.index(name) + 1 if ranked else None,
        "behind": _behind(own, best, level) if ranked and name != order[0] else {},
    }


def _behind(found: Mapping[str, Estimate], best: Mapping[str, Estimate], level: float) -> dict:
    """Differences to the first in rank; low and high None where there are no halves."""
    behind = {}
    for full, one in found.items():
        difference = one.value - best[full].value
        low = high = beyond = None
        if one.on_halves is not None and best[full].on_halves is not None:
            apart = one.on_halves - best[full].on_halves
            low, high = interval(difference, apart, level)
            beyond = bool(low > 0 or high < 0)
        behind[full] = {"difference": difference, "low": low, "high": high}
        behind[full]["beyond_chance"] = beyond
    return behind


def _left_out(paired: Sequence[str], unpaired: Mapping, ids: Sequence[str]) -> dict:
    """What a system and the reference lack of each other, and how many of its clips others lack."""
    return {**unpaired, "not_in_all": len(set(paired) - set(ids))}
