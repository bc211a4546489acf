"""Writes a table in each of its forms."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..files import write_atomically
from .latex import latex
from .markdown import markdown
from .sheet import Sheet

Row = Mapping[str, object]


def write_tables(
    outputs: Mapping[str, Path],
    columns: Sequence[str],
    rows: Sequence[Row],
    sheets: Sequence[Sheet],
) -> None:
    """Writes each of `outputs` (csv, md, tex -> path), whole or not at all.

    csv holds `rows`; Markdown and LaTeX hold the `sheets`, one after the other.
    """
    makers = {"csv": lambda: csv_text(columns, rows)}
    makers |= {"md": lambda: "\n".join(markdown(sheet) for sheet in sheets)}
    makers |= {"tex": lambda: "\n".join(latex(sheet) for sheet in sheets)}
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
