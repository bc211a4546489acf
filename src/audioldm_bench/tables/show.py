"""The tables of a finished study, in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO


def print_tables(tables: Sequence[Path], others: Sequence[Path], out: TextIO | None = None) -> None:
    """Prints the Markdown tables as they are, then the paths of what else was made."""
    out = out or sys.stdout
    for path in tables:
        out.write(f"\n{Path(path).read_text(encoding='utf-8')}")
    out.write("\nMade:\n")
    for path in [*tables, *others]:
        out.write(f"  {path}\n")
    out.flush()
