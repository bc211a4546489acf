"""Reads the documentation as plain Markdown: fenced blocks, code spans, links and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
_LINK = re.compile(r"!?\[[^\]]*\]\(\s*([^)\s]+)\s*\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it opens, the word behind its fence, and its lines."""

    page: Path
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    @property
    def file(self) -> str | None:
        """`name.yaml`, where the block opens with a comment of this name: it is that file."""
        named = re.fullmatch(r"# ([\w-]+\.(?:yaml|csv))", self.lines[0]) if self.lines else None
        return named[1] if named else None


def read(page: Path) -> list[str]:
    return page.read_text(encoding="utf-8").splitlines()


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page; one within a list keeps its text without the indent."""
    found: list[Block] = []
    opened: tuple[int, str, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(read(page), 1):
        fence = re.match(r"^(\s*)```(.*)$", line)
        if opened is None and fence:
            opened, lines = (number, fence[1], fence[2].strip()), []
        elif opened is not None and fence and not fence[2]:
            found.append(Block(page, opened[0], opened[2], tuple(lines)))
            opened = None
        elif opened is not None:
            lines.append(line.removeprefix(opened[1]))
    assert opened is None, f"{name(page)}:{opened[0]}: this fence is not closed"
    return found


def prose(page: Path) -> str:
    """The page with its fenced blocks blanked, line by line, so that line numbers hold."""
    inside, kept = False, []
    for line in read(page):
        fence = line.lstrip().startswith("```")
        kept.append("" if inside or fence else line)
        inside = inside != fence
    return "\n".join(kept)


def spans(page: Path) -> Iterator[tuple[int, str, str]]:
    """(line, code, rest of the line it ends on) of each code span; a span may be broken by a line's
    end, never by a blank line."""
    text = prose(page)
    for start, paragraph in _paragraphs(text):
        for match in _SPAN.finditer(paragraph):
            line = text.count("\n", 0, start + match.start()) + 1
            rest = paragraph[match.end() :].split("\n", 1)[0]
            yield line, " ".join(match[2].split()), rest


def _paragraphs(text: str) -> Iterator[tuple[int, str]]:
    for match in re.finditer(r"(?:[^\n]+\n?)+", text):
        yield match.start(), match[0]


def links(page: Path) -> Iterator[tuple[int, str]]:
    """(line, target) of each link and picture; code spans hold none."""
    text = _SPAN.sub(lambda span: re.sub(r"[^\n]", "x", span[0]), prose(page))
    for match in _LINK.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1]
    for match in re.finditer(r"(?:src|href|srcset)=\"([^\"]+)\"", text):
        yield text.count("\n", 0, match.start()) + 1, match[1]


def anchors(page: Path) -> set[str]:
    """What `#...` may name on a page: its headings, as GitHub writes them."""
    found: set[str] = set()
    for line in prose(page).splitlines():
        heading = re.match(r"#{1,6} +(.*?)(?: +#+)?$", line)
        if heading:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            repeats = sum(
                slug == old or re.fullmatch(slug + r"-\d+", old) is not None for old in found
            )
            found.add(f"{slug}-{repeats}" if repeats else slug)
    return found
