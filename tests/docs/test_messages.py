"""Messages that the pages of QUOTING quote are those of the code, word for word."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from doc_pages import ROOT, spans

QUOTING = [ROOT / "docs" / page for page in ("troubleshooting.md", "generate.md")]
SHORTEST = 8  # letters of a piece between two <parts> that is looked for
PUNCTUATION = " :;,.()'\"`"  # at the ends of a piece, which may come from another text
# of other programs: where they say it; None: it is not in Python code
EXTERNAL = {
    "Error: Directory cannot be locked.": "snakemake",
    "Nothing to be done": "snakemake",
    "FileNotFoundError: [Errno 2] No such file or directory: 'all'": None,  # the system
    "error: OutOfMemoryError: CUDA out of memory.": None,  # torch's compiled code
}


def quoted() -> list[str]:
    """Code in bold type: the messages, and nothing else on these pages."""
    found = (span for page in QUOTING for span in spans(page))
    return [code for _, code, rest in found if rest.startswith("**")]


def strings(path: Path) -> Iterator[str]:
    """Every text in a Python file, adjacent ones joined; \\0 where a value is put in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "\0" for p in node.values]
            yield "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def corpus() -> str:
    """All texts of the code, one a line; and the Makefile's, without its quotes and line breaks."""
    found = []
    for folder in ("src", "workflow/scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            found += [" ".join(text.split()) for text in strings(path)]
    rules = " ".join(path.read_text() for path in (ROOT / "workflow").rglob("*.smk"))
    make = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    return "\n".join([*found, " ".join(rules.split()), re.sub(r'[\s"]+', " ", make)])


def pieces(message: str) -> list[str]:
    """What stands between its <parts> and dots, where that is long enough to mean something."""
    parts = re.split(r"<[^<>]*>|\.\.\.", message)
    parts = [" ".join(part.split()).strip(PUNCTUATION) for part in parts]
    return [part for part in parts if len(part) >= SHORTEST]


def lacking(message: str, text: str) -> list[str]:
    return [piece for piece in pieces(message) if piece not in text]


@pytest.mark.parametrize("message", quoted(), ids=lambda message: message[:50])
def test_a_quoted_message_is_in_the_code(message: str) -> None:
    for start, package in EXTERNAL.items():
        if message.startswith(start):
            if package:
                folder = Path(find_spec(package).origin).parent
                texts = (path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
                words = start.removeprefix("Error: ").rstrip(".")
                assert any(words in text for text in texts), package
            return
    assert pieces(message), "it says nothing"
    assert lacking(message, corpus()) == []


def test_a_quoted_message_is_one_piece_of_code() -> None:
    """Backticks inside need two around it; with one, what stands between is lost on the page."""
    text = " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in QUOTING)
    whole = [m for m in quoted() if f"**`{m}`**" in text or f"**`` {m} ``**" in text]
    assert [message for message in quoted() if message not in whole] == []


def test_the_pages_quote_messages_and_the_check_can_fail() -> None:
    assert len(quoted()) > 40
    assert lacking("<a>: the config has <n> errors", corpus()) == ["the config has"]
    assert [one for one in EXTERNAL if not any(m.startswith(one) for m in quoted())] == []
