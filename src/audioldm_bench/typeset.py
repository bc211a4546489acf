"""The tables as text: csv for programs, Markdown that reads well in a terminal, LaTeX for print."""

from __future__ import annotations

import csv
import io
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .files import write_atomically
from .labels import METRICS, clips_label

Row = Mapping[str, object]


@dataclass
class Sheet:
    """A table for reading: captions, headings, and for each row its leading cells and values."""

    number: str
    label: str
    title: str
    notes: str
    heads: list[str]
    numbers: int = 0  # how many of the last leading cells are numbers, set to the right
    lines: list[tuple[list[str], list[tuple[str, str]], str]] = field(default_factory=list)

    def add(self, lead: list[str], row: Row) -> None:
        n = "" if row["n"] is None else clips_label(row["n"], row["missing"])
        self.lines.append((lead, [_pair(row, m) for m in METRICS], n))


def write_tables(
    outputs: Mapping[str, Path], columns: Sequence[str], rows: Sequence[Row], sheet: Sheet
) -> None:
    """Writes each of `outputs` (csv, md, tex -> path), whole or not at all."""
    makers = {"csv": lambda: csv_text(columns, rows)}
    makers |= {"md": lambda: _markdown(sheet), "tex": lambda: _latex(sheet)}
    for kind, path in outputs.items():
        text = makers[kind]()
        with write_atomically(Path(path)) as draft:
            draft.write_text(text, encoding="utf-8", newline="\n")


def csv_text(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Full precision; an empty cell for a value that there is not; objects as JSON."""
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: _exact(row[column]) for column in columns} for row in rows)
    return file.getvalue()


def _exact(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return str(value)


def _pair(row: Row, metric: str) -> tuple[str, str]:
    """Our value and, in parentheses, the paper's; a dash for a value that could not be computed."""
    ours = "–" if row[metric] is None else f"{row[metric]:.2f}"
    paper = row[f"paper_{metric}"]
    return ours, "" if paper is None else f"({paper:.2f})"


# ------------------------------------------------------------------------------ Markdown
def _markdown(sheet: Sheet) -> str:
    heads = [*sheet.heads, *(m.heading for m in METRICS.values()), "N"]
    # The papers' values are padded to one width, so that our values stand under each other.
    paper = [max((len(line[1][i][1]) for line in sheet.lines), default=0) for i in range(4)]
    body = []
    for lead, pairs, n in sheet.lines:
        values = [
            f"{a} {b:>{width}}" if width else a for (a, b), width in zip(pairs, paper, strict=True)
        ]
        body.append([*lead, *values, n])
    right = [i >= len(sheet.heads) - sheet.numbers for i in range(len(heads))]
    widths = [max(3, *(len(line[i]) for line in [heads, *body])) for i in range(len(heads))]
    rule = ["-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True)]
    lines = [_aligned(line, widths, right) for line in [heads, rule, *body]]
    captions = [f"Table {sheet.number}. {sheet.title}", sheet.notes]
    words = [line for text in captions for line in textwrap.wrap(text, 100)]
    return "\n".join([*words, "", *lines, ""])


def _aligned(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return f"| {' | '.join(padded)} |"


# --------------------------------------------------------------------------------- LaTeX
_TEX = {"\\": r"\textbackslash{}", "–": "--", "↓": r"$\downarrow$", "↑": r"$\uparrow$"}
_TEX |= {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def tex_escape(text: str) -> str:
    """Text as LaTeX prints it, with breaks allowed after the underscores of long names."""
    escaped = "".join(_TEX.get(c, c) for c in text)
    return re.sub(r"\\_", r"\\_\\allowbreak ", escaped)


def _latex(sheet: Sheet) -> str:
    """A floating table across both columns of a page; needs the package booktabs."""
    heads = [*sheet.heads, *(m.heading for m in METRICS.values()), "$N$"]
    left = len(sheet.heads) - sheet.numbers
    columns = "l" * left + "r" * (len(heads) - left)
    body = []
    previous = None
    for lead, pairs, n in sheet.lines:
        if previous not in (None, lead[0]):
            body.append(r"\midrule")
        first = lead[0] if lead[0] != previous else ""
        previous = lead[0]
        values = [f"{a} {b}".strip() for a, b in pairs]
        cells = [tex_escape(c) for c in [first, *lead[1:], *values, n]]
        body.append("  " + " & ".join(cells) + r" \\")
    titles = " & ".join(h if h.startswith("$") else tex_escape(h) for h in heads)
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs}; take in with \input.",
            r"\begin{table*}[t]",
            r"\centering",
            rf"\caption{{{tex_escape(sheet.title)} {tex_escape(sheet.notes)}}}",
            rf"\label{{tab:{sheet.label}}}",
            r"\footnotesize",
            rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            r"\toprule",
            rf"  {titles} \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
            "",
        ]
    )
