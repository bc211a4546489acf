"""The tables as text: csv for programs, Markdown that reads well in a terminal, LaTeX for print."""

from .latex import tex_escape
from .numbers import fixed, shown, span
from .sheet import Cell, Line, Sheet
from .write import csv_text, write_tables

__all__ = [
    "Cell",
    "Line",
    "Sheet",
    "csv_text",
    "fixed",
    "shown",
    "span",
    "tex_escape",
    "write_tables",
]
