"""Links of the documentation lead somewhere, and every page can be reached from the README."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT, anchors, links, name

MOST_BYTES = 150_000  # of a picture


def target(page: Path, link: str) -> tuple[Path, str] | None:
    """(file, anchor) of a link within the repository."""
    if "://" in link or link.startswith("mailto:"):
        return None
    path, _, anchor = link.partition("#")
    return ((page.parent / path).resolve() if path else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_and_anchors_of_a_page_lead_somewhere(page: Path) -> None:
    broken = []
    for line, link in links(page):
        found = target(page, link)
        if found is None:
            continue
        path, anchor = found
        if not path.exists():
            broken.append(f"line {line}: {link}: no such file")
        elif anchor and (path.suffix != ".md" or anchor not in anchors(path)):
            broken.append(f"line {line}: {link}: no such heading")
    assert broken == []


def test_every_page_can_be_reached_from_the_readme_in_one_step() -> None:
    readme = ROOT / "README.md"
    linked = {target(readme, link) for _, link in links(readme)}
    reached = {found[0] for found in linked if found}
    assert [name(page) for page in PAGES if page not in reached | {readme}] == []


def test_every_picture_is_small_and_shown() -> None:
    pictures = [p for p in (ROOT / "docs").rglob("*") if p.suffix in (".png", ".svg", ".jpg")]
    shown = {
        target(page, link)[0] for page in PAGES for _, link in links(page) if target(page, link)
    }
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < MOST_BYTES, picture
        assert picture in shown, f"{name(picture)} is on no page"


def test_headings_are_found_as_github_names_them(tmp_path: Path) -> None:
    """The check itself: punctuation goes, repeats are numbered, headings in code do not count."""
    page = tmp_path / "page.md"
    page.write_text("# CLAP's code\n## A `b`, c\n## A `b`, c\n```sh\n# no heading\n```\n")
    assert anchors(page) == {"claps-code", "a-b-c", "a-b-c-1"}


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](none.md) `[b](in-code.md)`\n\n[c](#here)\n")
    assert list(links(page)) == [(1, "none.md"), (3, "#here")]
