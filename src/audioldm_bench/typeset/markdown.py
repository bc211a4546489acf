"""Markdown whose columns stand under each other, so that it reads well in a terminal too."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from .sheet import Sheet

WRAP = 100  # characters a line of words


def markdown(sheet: Sheet) -> str:
    """Caption and notes, the table, and below it the intervals and N in a table of their own:
    beside the values they would not fit into a terminal."""
    words = [line for text in (sheet.caption, sheet.notes) for line in textwrap.wrap(text, WRAP)]
    if not sheet.has_intervals:
        return "\n".join([*words, "", *_values(sheet, with_n=True), ""])
    return "\n".join([*words, "", *_values(sheet), "", "Intervals:", "", *_intervals(sheet), ""])


def _values(sheet: Sheet, with_n: bool = False) -> list[str]:
    # The papers' values are padded to one width, so that our values stand under each other.
    columns = range(len(sheet.metrics))
    papers = [max((len(line.cells[i].paper) for line in sheet.lines), default=0) for i in columns]
    heads, body = [*sheet.heads, *sheet.metrics, "N"], []
    for line in sheet.lines:
        pairs = zip(line.cells, papers, strict=True)
        values = [f"{c.value} {c.paper:>{width}}" if width else c.value for c, width in pairs]
        body.append([*line.lead, *values, line.n])
    end = None if with_n else -1
    return _table(heads[:end], [cells[:end] for cells in body], len(sheet.heads) - sheet.numbers)


def _intervals(sheet: Sheet) -> list[str]:
    """The same rows, known by the leading cells that are words."""
    left = len(sheet.heads) - sheet.numbers
    body = [[*line.lead[:left], *(cell.interval for cell in line.cells), line.n]
            for line in sheet.lines]  # fmt: skip
    return _table([*sheet.heads[:left], *sheet.metrics, "N"], body, left)


def _table(heads: Sequence[str], body: Sequence[Sequence[str]], left: int) -> list[str]:
    """Lines of a table; the columns from the `left`-th on are set to the right."""
    widths = [max(3, *(len(line[i]) for line in [heads, *body])) for i in range(len(heads))]
    right = [i >= left for i in range(len(heads))]
    rule = ["-" * (w - 1) + ":" if r else "-" * w for w, r in zip(widths, right, strict=True)]
    return [_aligned(line, widths, right) for line in [heads, rule, *body]]


def _aligned(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return f"| {' | '.join(padded)} |"
