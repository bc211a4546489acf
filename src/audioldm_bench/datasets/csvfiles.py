"""Tables that others wrote: read whole, and refused in words when they cannot be used."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from audioldm_bench.errors import UserError


def read_text(path: Path, what: str = "table") -> str:
    """A UTF-8 file, with or without byte order mark. UserError when it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such {what}; check the dataset's folder") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: this {what} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: this {what} cannot be read ({error.strerror})") from None


def read_rows(
    path: Path, required: Sequence[str], *, cure: str = "", may_be_empty: bool = False
) -> list[dict[str, str]]:
    """The rows below a header line, as stripped text by column; other columns are kept too.

    UserError when a required column, all rows or cells of a row are missing.
    """
    cure = cure or "download the table again, or mend it"
    text = io.StringIO(read_text(path), newline="")
    try:
        table = list(csv.reader(text, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}: not a csv table ({error}); {cure}") from None
    header = [name.strip() for name in table[0]] if table else []
    for name in required:
        if name not in header:
            found = ", ".join(header) or "none"
            raise UserError(f"{path}: the column `{name}` is missing (found: {found}); {cure}")
    rows = []
    for number, cells in enumerate(table[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise UserError(
                f"{path}: row {number} has {len(cells)} cells, the header {len(header)}; {cure}"
                " (a comma inside a cell needs quotes around the cell)"
            )
        rows.append(dict(zip(header, (cell.strip() for cell in cells), strict=True)))
    if not rows and not may_be_empty:
        raise UserError(f"{path}: the table has no rows; {cure}")
    return rows
