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
    """The rows of `read_numbered_rows`, without their numbers."""
    return [row for _, row in read_numbered_rows(path, required, cure, may_be_empty)]


def read_numbered_rows(
    path: Path, required: Sequence[str], cure: str = "", may_be_empty: bool = False
) -> list[tuple[int, dict[str, str]]]:
    """The rows below a header line (row 1), with their numbers, as stripped text by column.

    Columns that are not required are kept too, blank rows are left out. UserError when a column is
    missing or stands there twice, when there are no rows, or a row has too few or many cells.
    """
    cure = cure or "download the table again, or mend it"
    text = io.StringIO(read_text(path), newline="")
    try:
        table = list(csv.reader(text, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}: not a csv table ({error}); {cure}") from None
    header = [name.strip() for name in table[0]] if table else []
    _check_header(path, header, required, cure)
    rows = []
    for number, cells in enumerate(table[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise UserError(
                f"{path}: row {number} has {len(cells)} cells, the header {len(header)}; {cure}"
                " (a comma inside a cell needs quotes around the cell)"
            )
        rows.append((number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    if not rows and not may_be_empty:
        raise UserError(f"{path}: the table has no rows; {cure}")
    return rows


def filled_rows(
    path: Path, required: Sequence[str], *, unique: str = "", may_be_empty: bool = False
) -> list[tuple[int, dict[str, str]]]:
    """As `read_numbered_rows`; UserError also when a required cell is blank, or a cell of the
    column `unique` stands there twice."""
    rows = read_numbered_rows(path, required, may_be_empty=may_be_empty)
    first: dict[str, int] = {}
    for number, row in rows:
        blank = [name for name in required if not row[name]]
        if blank:
            raise UserError(f"{path}: row {number} has no {blank[0]}; fill it, or take the row out")
        if unique and first.setdefault(row[unique], number) != number:
            raise UserError(
                f"{path}: {row[unique]} stands in rows {first[row[unique]]} and {number}; take one"
                " out"
            )
    return rows


def _check_header(path: Path, header: list[str], required: Sequence[str], cure: str) -> None:
    for name in required:
        if name not in header:
            found = ", ".join(header) or "none"
            if len(header) == 1 and any(sign in header[0] for sign in ";\t"):
                cure = "its cells are not parted by commas: save it as a csv with commas"
            raise UserError(f"{path}: the column `{name}` is missing (found: {found}); {cure}")
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        raise UserError(f"{path}: the column `{twice[0]}` is there twice; take one out")
