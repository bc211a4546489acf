"""What the paper says of the metrics' sensitivity, and what was found (paper, section IV-B)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from audioldm_bench.evaluation.curves import Curve, Range
from audioldm_bench.files import write_atomically
from audioldm_bench.labels import CORRUPTIONS, METRICS
from audioldm_bench.typeset import csv_text

# The metrics that see a corruption; the others are said to stay as they are [paper].
SEEN_BY: dict[str, frozenset[str]] = {
    "noise": frozenset(METRICS),  # "all the metrics can detect"
    "mask": frozenset(METRICS),
    "disorder": frozenset({"fd"}),  # "only FD presents an increasing trend"
    "interference": frozenset({"fd", "fad"}),  # KL, IS: "do not present significant changes"
}
# Of the largest change in a metric's panel: a smaller one is called none, for it looks flat beside
# the largest. [ours: the paper gives no numbers]
VISIBLE = 0.1

NOTES = """\
"worse": beyond chance, and at least a tenth of the largest change in the metric's panel (Of max);
"better": the same, the other way; "flat": all else. The paper gives no numbers, the tenth is ours.
Steps: how many steps from one share to the next make the metric worse.
"""

COLUMNS = ["corruption", "metric", "paper", "found", "as_in_paper", "at_0", "at_1", "change"]
COLUMNS += ["change_low", "change_high", "of_largest", "of_start", "worse_steps", "steps"]


def judge(curves: Mapping[str, Mapping[str, Curve]], level: float) -> list[dict[str, object]]:
    """A row for each claim, that is each corruption and metric; `curves` by both."""
    rows = []
    for kind in [kind for kind in CORRUPTIONS if kind in curves]:
        for metric in METRICS:
            largest = max(abs(of_kind[metric].change) for of_kind in curves.values())
            rows.append(_row(kind, metric, curves[kind][metric], largest, level))
    return rows


def _row(kind: str, metric: str, curve: Curve, largest: float, level: float) -> dict[str, object]:
    """`worse_steps`: how many of the steps between shares make the metric worse.

    `of_start`: the change over the value at share 0, of IS; the others begin at 0.
    """
    sign = -1.0 if METRICS[metric].higher_is_better else 1.0
    interval = curve.change_interval(level)
    of_largest = abs(curve.change) / largest if largest else 0.0
    paper = "worse" if metric in SEEN_BY[kind] else "flat"
    found = _found(sign * curve.change, interval, of_largest)
    low, high = interval or (None, None)
    start = float(curve.values[0])
    return {
        "corruption": kind,
        "metric": metric,
        "paper": paper,
        "found": found,
        "as_in_paper": "yes" if found == paper else "no",
        "at_0": start,
        "at_1": float(curve.values[-1]),
        "change": curve.change,
        "change_low": low,
        "change_high": high,
        "of_largest": of_largest,
        "of_start": curve.change / start if metric == "is" else None,
        "worse_steps": int(np.sum(sign * np.diff(curve.values) > 0)),
        "steps": len(curve.values) - 1,
    }


def _found(worsening: float, interval: Range | None, of_largest: float) -> str:
    """worse, better, or flat: within what chance does, or too small to be seen in the panel."""
    beyond_chance = interval is None or interval[0] > 0 or interval[1] < 0
    if not beyond_chance or of_largest < VISIBLE:
        return "flat"
    return "worse" if worsening > 0 else "better"


def write_claims(
    rows: Sequence[Mapping[str, object]], outputs: Mapping[str, Path], *, level: float
) -> None:
    """Writes each of `outputs` (csv, md -> path), whole or not at all."""
    makers = {"csv": lambda: csv_text(COLUMNS, rows), "md": lambda: markdown(rows, level)}
    for kind, path in outputs.items():
        text = makers[kind]()
        with write_atomically(Path(path)) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")


def markdown(rows: Sequence[Mapping[str, object]], level: float) -> str:
    """The claims as a table of at most 100 columns, with what its words mean."""
    agreed = sum(row["as_in_paper"] == "yes" for row in rows)
    heads = ["Corruption", "Metric", "Paper", "Found", "Same"]
    heads += [f"Change 0 to 1 ({level:.0%})", "Of max", "Steps"]
    body = [_cells(row) for row in rows]
    widths = [max(3, *(len(line[i]) for line in [heads, *body])) for i in range(len(heads))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |"
        for line in [heads, ["-" * w for w in widths], *body]
    ]
    title = f"The paper's claims about Fig. 1: {agreed} of {len(rows)} were found so."
    return "\n".join([title, "", NOTES, *lines, ""])


def _cells(row: Mapping[str, object]) -> list[str]:
    change = _signed(row["change"])
    if row["change_high"] is not None:
        change += f" ± {_signed(row['change_high'] - row['change'])[1:]}"
    words = [str(row[name]) for name in ("paper", "found", "as_in_paper")]
    heads = [CORRUPTIONS[row["corruption"]].label, METRICS[row["metric"]].label]
    steps = f"{row['worse_steps']} of {row['steps']}"
    return [*heads, *words, change, f"{row['of_largest']:.0%}", steps]


def _signed(value: float) -> str:
    return f"{value:+.1f}" if abs(value) >= 100 else f"{value:+.3g}"
