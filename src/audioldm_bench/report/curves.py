"""Small line charts as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

import csv
import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..files import read_json
from ..labels import RUNS, dataset_label, paper_order, steps_label

WIDTH, HEIGHT = 340, 196  # px of a training chart
_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 12, 8, 36  # px around its plot
POINTS = 160  # a curve at most

Points = list[tuple[float, float]]
Run = tuple[str, str]  # initialisation and condition


def read_losses(path: Path) -> dict[int, float]:
    """Step -> loss of one training.csv."""
    with open(path, encoding="utf-8", newline="") as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file)}


def thin(points: Points, most: int = POINTS) -> Points:
    """At most `most` points, each the mean of as many neighbours."""
    size = max(1, math.ceil(len(points) / most))
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _done(losses: dict[int, float]) -> Points:
    """Loss against the number of steps done: step 0 is the first."""
    return [(step + 1, losses[step]) for step in sorted(losses)]


def read_validation(path: Path) -> Points:
    """(steps done, loss) of one validation.json; nothing where the split has no clips, or the
    checkpoint is of a version that measured none."""
    found = read_json(path) if Path(path).exists() else {"loss": None}
    return [] if found["loss"] is None else [(found["step"], found["loss"])]


def training_charts(runs: Iterable[tuple[str, str, str, Path]]) -> list[dict]:
    """A chart a dataset, with two curves a run: the loss in training, and after each segment that
    on the validation clips, if there are any.

    `runs`: (dataset, init, condition, training.csv), validation.json beside it. A run's segments
    are put together by step.
    """
    losses: dict[str, dict[tuple[str, str], tuple[dict, Points]]] = {}
    for dataset, init, condition, path in runs:
        of_run = losses.setdefault(dataset, {}).setdefault((init, condition), ({}, []))
        of_run[0].update(read_losses(path))
        of_run[1].extend(read_validation(Path(path).with_name("validation.json")))
    charts = []
    for dataset in paper_order(losses):
        series, dots = [], []
        for run in [run for run in RUNS if run in losses[dataset]]:
            trained, validated = losses[dataset][run]
            series.append((RUNS[run].label, _classes(run), _done(trained)))
            dots += [(RUNS[run].label, run, sorted(validated))] if validated else []
        name = dataset_label(dataset)
        svg = line_chart(series, f"Training loss on {name}", dots)
        charts.append({"name": name, "svg": svg, "validated": _validated(dots)})
    return charts


def _classes(run: Run) -> str:
    return f"run-{run[0]} cond-{run[1]}"


def _validated(dots: Sequence[tuple[str, Run, Points]]) -> dict:
    """A table of the validation losses, a row a step and a column a run; empty without any."""
    losses = [dict(points) for _, _, points in dots]
    steps = sorted({step for own in losses for step in own})
    rows = [
        (steps_label(step), [f"{own[step]:.4g}" if step in own else "" for own in losses])
        for step in steps
    ]
    return {"runs": [label for label, _, _ in dots], "rows": rows} if dots else {}


def legend(validated: bool) -> list[dict]:
    """Label and line of each run, with its dot if there are validation losses."""
    found = []
    for run, style in RUNS.items():
        line = f'<polyline class="line {_classes(run)}" points="1,5 39,5"/>'
        dot = _dot(run, 20, 5, "") if validated else ""
        found.append({"label": style.label, "svg": f'<svg viewBox="0 0 40 10">{line}{dot}</svg>'})
    return found


def _dot(run: Run, x: float, y: float, title: str) -> str:
    """Round or square as in Figure 2; squares are smaller, for dots can lie on one another."""
    css = f'class="dot {_classes(run)}"'
    if RUNS[run].marker == "s":
        shape = f'<rect {css} x="{x - 2:.1f}" y="{y - 2:.1f}" width="4" height="4">'
    else:
        shape = f'<circle {css} cx="{x:.1f}" cy="{y:.1f}" r="4">'
    said = f"<title>{html.escape(title)}</title>" if title else ""
    return f"{shape}{said}</{shape[1:].partition(' ')[0]}>"


def line_chart(
    series: Sequence[tuple[str, str, Points]],
    title: str,
    dots: Sequence[tuple[str, Run, Points]] = (),
) -> str:
    """An SVG of curves (label, css classes, points) against training steps; of `dots` (label,
    run, points) each point is drawn."""
    series = [(label, classes, thin(curve)) for label, classes, curve in series if curve]
    points = [p for _, _, curve in [*series, *dots] for p in curve]
    if not points:
        return ""
    x_low, x_high = 0, max(x for x, _ in points)
    y_ticks = ticks(min(y for _, y in points), max(y for _, y in points))
    x_ticks = ticks(x_low, x_high, inside=True)
    place = _placer(x_low, x_high, y_ticks[0], y_ticks[-1])
    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    parts.append(f"<title>{html.escape(title)}</title>")
    for tick in y_ticks:
        x, y = place(x_low, tick)
        parts.append(f'<path class="grid" d="M{x:.1f} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{x - 6:.1f}" y="{y + 3.5:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x_ticks:
        x, _ = place(tick, y_ticks[0])
        label = f"{tick / 1000:g} K" if tick >= 1000 else f"{tick:g}"
        text = f'<text x="{x:.1f}" y="{HEIGHT - 20}" text-anchor="middle">{label}</text>'
        parts.append(text)
    for label, classes, curve in series:
        shape = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*p) for p in curve))
        parts.append(f'<polyline class="line {classes}" points="{shape}">')
        parts.append(f"<title>{html.escape(label)}</title></polyline>")
    for label, run, curve in dots:
        for step, loss in curve:
            said = f"{label}: validation loss {loss:.4g} after {step:g} steps"
            parts.append(_dot(run, *place(step, loss), said))
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">steps</text></svg>')
    return "".join(parts)


def _placer(x_low: float, x_high: float, y_low: float, y_high: float):
    across = (WIDTH - _LEFT - _RIGHT) / ((x_high - x_low) or 1)
    down = (HEIGHT - _TOP - _BOTTOM) / ((y_high - y_low) or 1)
    return lambda x, y: (_LEFT + (x - x_low) * across, HEIGHT - _BOTTOM - (y - y_low) * down)


def ticks(low: float, high: float, inside: bool = False) -> list[float]:
    """Four to eight round values from `low` to `high`; around them, or only between them."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    raw = (high - low) / 4
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * 0.999)
    first, last = low / step, high / step
    first = math.ceil(first - 1e-9) if inside else math.floor(first + 1e-9)
    last = math.floor(last + 1e-9) if inside else math.ceil(last - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def sparkline(points: Sequence[Sequence[float]], title: str) -> str:
    """A curve without axes, 120 x 28 px."""
    curve = thin([(float(x), float(y)) for x, y in points], 60)
    if len(curve) < 2:
        return ""
    x_low, x_high = curve[0][0], curve[-1][0]
    y_low, y_high = min(y for _, y in curve), max(y for _, y in curve)
    across, down = 116 / ((x_high - x_low) or 1), 24 / ((y_high - y_low) or 1)
    shape = " ".join(
        f"{2 + (x - x_low) * across:.1f},{26 - (y - y_low) * down:.1f}" for x, y in curve
    )
    return (
        '<svg class="spark" viewBox="0 0 120 28" role="img">'
        f'<title>{html.escape(title)}</title><polyline points="{shape}"/></svg>'
    )
