"""Jinja templates that lie beside the code which fills them in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2


def templates(folder: Path, *, markup: bool) -> jinja2.Environment:
    """The templates of a folder; a value that was not given is an error, not an empty string.

    `markup`: values are escaped for HTML, as is right for a page and wrong for anything else.
    """
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=markup,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
