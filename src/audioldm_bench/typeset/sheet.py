"""A table for reading, before it is text."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """A value, the paper's beside it in parentheses, and the interval around it."""

    value: str
    paper: str = ""
    interval: str = ""


@dataclass(frozen=True)
class Line:
    """A row: the cells before the values, the values, the number of clips."""

    lead: list[str]
    cells: list[Cell]
    n: str
    bound: bool = False  # floor or ceiling: no system


@dataclass
class Sheet:
    """A table: what stands above it, its headings and its lines."""

    label: str  # of LaTeX's \ref, without "tab:"
    title: str
    notes: str
    heads: list[str]  # of the leading cells
    metrics: list[str]  # headings of the values
    number: str = ""  # as the paper counts
    grouped: bool = False  # by the first cell, which print shows once
    numbers: int = 0  # how many of the last leading cells are numbers, set to the right
    lines: list[Line] = field(default_factory=list)

    @property
    def caption(self) -> str:
        return f"Table {self.number}. {self.title}" if self.number else self.title

    @property
    def has_intervals(self) -> bool:
        return any(cell.interval for line in self.lines for cell in line.cells)
