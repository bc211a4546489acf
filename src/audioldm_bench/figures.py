"""Figs. 1 and 2 for print: column width of the paper, 8 pt, readable in grey, fonts embedded.

Both have four panels, one a metric. The same input gives the same bytes (no dates, no random ids).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .errors import UserError
from .files import read_json, write_atomically
from .labels import CORRUPTIONS, METRICS, RUNS, Line
from .typeset import csv_text

COLUMN_WIDTH = 3.5  # inches: one column of an IEEE page
HEIGHT = 3.45
WITH_ENDS = [f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")]
COLUMNS2 = ["pretrained", "train_condition", "train_steps", *WITH_ENDS, "n", "clip_list_sha256"]

# points: x, and values by metric; the ends of its band, if any, by fd_low, fd_high and so on
Curve = tuple[Line, list[tuple[float, dict[str, float | None]]]]

_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib, so it is the same everywhere
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#d9d9d9",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.2,
    "lines.markeredgewidth": 0.8,
    "pdf.fonttype": 42,  # TrueType, embedded
    "svg.fonttype": "path",
    "svg.hashsalt": "audioldm-bench",
    "path.simplify": False,
}


def make_figure1(table: Path, outputs: Mapping[str, Path]) -> None:
    """Fig. 1: each metric against the share (0 to 1) of corrupted clips.

    `table`: csv with the columns corruption (noise, mask, disorder, interference), share, fd, is,
    kl, fad, and for bands fd_low, fd_high and so on. `outputs`: paths by png, pdf and/or svg.
    """
    rows = _read(table, ["corruption", "share", *METRICS])
    unknown = {row["corruption"] for row in rows} - set(CORRUPTIONS)
    if unknown:
        known = ", ".join(CORRUPTIONS)
        raise UserError(f"{table}: unknown corruption {min(unknown)}; known are {known}")
    curves = []
    for name, line in CORRUPTIONS.items():
        points = [
            (float(row["share"]), {c: float(row[c]) if row.get(c) else None for c in WITH_ENDS})
            for row in rows
            if row["corruption"] == name
        ]
        if points:
            curves.append((line, sorted(points, key=lambda point: point[0])))
    _draw(curves, "Share of corrupted clips", outputs)


def make_figure2(
    metrics: Iterable[tuple[str, str, int, Path]], outputs: Mapping[str, Path]
) -> None:
    """Fig. 2: each metric against training steps, a curve for each run of one dataset.

    `metrics`: (initialisation, training condition, step, metrics.json). `outputs`: paths by csv,
    png, pdf and/or svg. Bands are the intervals that metrics.json has. The axis is in thousands of
    steps when there are that many.
    """
    given = {(init, condition, int(step)): path for init, condition, step, path in metrics}
    scale = 1000 if max((step for *_, step in given), default=0) >= 1000 else 1
    curves, rows = [], []
    for run, line in RUNS.items():
        points = []
        for key in sorted(k for k in given if k[:2] == run):
            values = read_json(given[key])
            row = _row2(key, values)
            points.append((key[2] / scale, {column: row[column] for column in WITH_ENDS}))
            rows.append(row)
        if points:
            curves.append((line, points))
    pictures = dict(outputs)
    if table := pictures.pop("csv", None):
        with write_atomically(Path(table)) as draft:
            draft.write_text(csv_text(COLUMNS2, rows), encoding="utf-8", newline="\n")
    label = "Training steps (thousands)" if scale == 1000 else "Training steps"
    _draw(curves, label, pictures)


def _row2(key: tuple[str, str, int], values: dict) -> dict[str, object]:
    init, condition, step = key
    row: dict[str, object] = {}
    for metric in METRICS:
        about = values.get("values", {}).get(values.get("names", {}).get(metric), {})
        row |= {metric: values[metric]}
        row |= {f"{metric}_{end}": about.get(end) for end in ("low", "high")}
    row |= {"pretrained": "yes" if init == "pretrained" else "no"}
    row |= {"train_condition": condition, "train_steps": step}
    return row | {k: values.get(k) for k in ("n", "clip_list_sha256")}


def _read(table: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    with open(table, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [c for c in columns if c not in (reader.fieldnames or [])]
        if missing:
            raise UserError(f"{table}: no column {', '.join(missing)}; delete it and run again")
        return list(reader)


# ------------------------------------------------------------------------------- drawing
def _draw(curves: Sequence[Curve], x_label: str, outputs: Mapping[str, Path]) -> None:
    """Four panels with one legend over them, saved under each of `outputs`."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's matplotlibrc shall not change the study's figures
        matplotlib.rcParams.update(_RC)
        figure = Figure(figsize=(COLUMN_WIDTH, HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(2, 2, sharex=True)
        for panel, (metric, how) in zip(axes.flat, METRICS.items(), strict=True):
            for line, points in curves:
                _plot(panel, line, points, metric)
            panel.set_title(how.heading, pad=4)
            panel.margins(x=0.04, y=0.12)
        figure.supxlabel(x_label, fontsize=8)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        if handles:
            figure.legend(
                handles, labels, loc="outside upper center", ncols=2, frameon=False,
                handlelength=2.6, columnspacing=1.4, borderaxespad=0.2,
            )  # fmt: skip
        for kind, path in outputs.items():
            _save(figure, kind, Path(path))


def _plot(panel, line: Line, points, metric: str) -> None:
    x = [share for share, _ in points]

    def of(column: str) -> list[float]:
        found = (values.get(column) for _, values in points)
        return [float("nan") if value is None else value for value in found]

    panel.fill_between(
        x, of(f"{metric}_low"), of(f"{metric}_high"), color=line.colour, alpha=0.18, linewidth=0
    )
    panel.plot(
        x,
        of(metric),
        color=line.colour,
        linestyle=line.dash,
        marker=line.marker,
        markerfacecolor=line.colour if line.filled else "white",
        label=line.label,
    )


def _save(figure, kind: str, path: Path) -> None:
    """Without dates and program versions, so that the same figure is the same file."""
    metadata = {
        "png": {"Software": None},
        "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
        "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    }[kind]
    with write_atomically(path) as draft:
        figure.savefig(draft, format=kind, dpi=300, metadata=metadata)
