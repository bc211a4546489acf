"""Tables from metrics files, as csv, Markdown and LaTeX: I and II of the paper, with its values
beside ours, and the benchmark table.

The csv holds full precision, one value a cell; Markdown and LaTeX are rounded, for reading.
"""

from .benchmark import make_benchmark_table
from .choice import best_step
from .rows import COLUMNS1, COLUMNS2
from .show import print_tables
from .study import make_table1, make_table2

__all__ = [
    "COLUMNS1",
    "COLUMNS2",
    "best_step",
    "make_benchmark_table",
    "make_table1",
    "make_table2",
    "print_tables",
]
