"""Figure 1 as a table, and the paper's claims beside it (paper, section IV-B)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audioldm_bench.evaluation.claims import judge, write_claims
from audioldm_bench.evaluation.curves import Curve, corruption_curves
from audioldm_bench.evaluation.pairs import load_features, pair_clips
from audioldm_bench.evaluation.values import METRICS
from audioldm_bench.files import write_atomically
from audioldm_bench.typeset import csv_text

COLUMNS = ["corruption", "share", *METRICS, "n"]
COLUMNS += [f"{metric}_{end}" for metric in METRICS for end in ("low", "high")]


def write_figure1(
    features: Mapping[str, tuple[Mapping[str, Path], Mapping[str, Path]]],
    out_csv: Path,
    claims: Mapping[str, Path],
    *,
    metrics_config: Mapping,
    shares: int,
    orders: int,
    seed: int,
) -> None:
    """The metrics against the share of corrupted clips, for each kind of corruption.

    `features`: by kind, the feature files (by backbone) of the corrupted and of the clean clips;
    clips that one side lacks are left out. `claims`: paths by csv and/or md. A row's "n" is the
    number of clips; the cells of an interval are empty where there are too few clips for one.
    """
    level = metrics_config["bootstrap"]["level"]
    backbones = {metrics_config[metric] for metric in METRICS}
    curves: dict[str, dict[str, Curve]] = {}
    rows: list[dict[str, object]] = []
    for kind, (corrupted, clean) in features.items():
        sides = [{b: side[b] for b in backbones} for side in (corrupted, clean)]
        ids, _ = pair_clips(*sides)
        curves[kind] = corruption_curves(
            *(load_features(side, ids) for side in sides),
            metrics_config=metrics_config,
            shares=shares,
            orders=orders,
            seed=seed,
        )
        rows += _rows(kind, curves[kind], shares, len(ids), level)
    with write_atomically(out_csv) as draft:
        draft.write_text(csv_text(COLUMNS, rows), encoding="utf-8", newline="\n")
    write_claims(judge(curves, level), claims, level=level)


def _rows(kind: str, curves: Mapping[str, Curve], shares: int, n: int, level: float) -> list[dict]:
    rows = []
    for step in range(shares):
        row: dict[str, object] = {"corruption": kind, "share": step / (shares - 1), "n": n}
        for metric, curve in curves.items():
            intervals = curve.intervals(level)
            low, high = intervals[step] if intervals else (None, None)
            row[metric] = float(curve.values[step])
            row |= {f"{metric}_low": low, f"{metric}_high": high}
        rows.append(row)
    return rows
