"""The page as a whole: complete, self-contained, the same bytes each time."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from audioldm_bench.report import write_report

VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Collects tags and attributes, and checks that every element is closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def all(self, tag: str, css: str = "") -> list[dict]:
        named = [attrs for name, attrs in self.tags if name == tag]
        return [a for a in named if not css or css in (a.get("class") or "").split()]


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(path, **study)
    return path


@pytest.fixture(scope="module")
def text(written):
    return written.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_every_element_is_closed_and_ids_are_unique(page):
    assert page.open == []
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_every_reference_stays_inside_the_page(page, text):
    for tag, attrs in page.tags:
        for name in ("src", "href", "xlink:href", "poster", "action", "srcset", "data"):
            value = attrs.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, name, value[:60])
    for style in re.findall(r"url\(([^)]*)\)", text):
        assert style.startswith("#"), style
    assert "@import" not in text
    assert not re.findall(r"\b(fetch|XMLHttpRequest|import)\s*\(", text)


def test_inner_links_have_their_target(page):
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    wanted = {a["href"][1:] for _, a in page.tags if a.get("href", "").startswith("#")}
    wanted |= {a["popovertarget"] for _, a in page.tags if "popovertarget" in a}
    assert wanted and wanted <= ids


def test_tables_show_both_values_and_sources(page, text):
    assert len(page.all("button", "value")) == 4 * (8 + 12)
    assert len(page.all("div", "sources")) == 8 + 12
    assert "(60.63)" in text and "+6.06" in text
    assert len(page.all("span", "better")) > 10 and len(page.all("span", "worse")) > 10
    assert "c0ffee" in text and "torch 2.13.0" in text and "fd_tagger" in text


def test_players_have_sound_picture_and_name(page):
    players = page.all("figure", "player")
    # 2 prompts: 3 systems of AudioSet; real, 2 baselines and the best of 4 runs of ESC50
    assert len(players) == 2 * 3 + 2 * 7
    sounds = [a["src"] for a in page.all("audio")]
    pictures = [a["src"] for a in page.all("img")]
    assert len(sounds) == len(pictures) == len(players)
    assert all(s.startswith("data:audio/mpeg;base64,") for s in sounds)
    assert all(p.startswith("data:image/png;base64,") for p in pictures)
    labels = [a["aria-label"] for a in page.all("button", "play")]
    assert sum("pre-trained, text, 40\u00a0K\u00a0steps" in label for label in labels) == 2
    assert not any("corrupted" in label or "60\u00a0K" in label for label in labels)


def test_figures_and_curves_are_inline(page):
    assert len(page.all("svg", "figure")) == 2
    assert len(page.all("svg", "chart")) == 3
    assert len(page.all("svg", "spark")) == 4
    assert len(page.all("polyline", "line")) == 3 * 4 + 4


def test_the_rest_is_told(text):
    for words in (
        "no longer on YouTube",
        "chance 0.05",
        "3 min 06 s",
        "Computed with other backbones",
        "best by FD on the evaluation set",
        "prefers-color-scheme: dark",
    ):
        assert words in text, words


def test_what_users_write_is_escaped(text):
    assert "church bells &lt;loud&gt;" in text or "rain &amp; wind" in text
    assert "<loud>" not in text
    assert "https://example.org/&lt;/script&gt;" in text


def test_small_and_the_same_bytes(study, written, tmp_path):
    again = tmp_path / "again.html"
    write_report(again, **study)
    assert again.read_bytes() == written.read_bytes()
    assert written.stat().st_size < 1_500_000


def test_a_study_with_less_still_has_a_page(study, tmp_path):
    path = tmp_path / "less.html"
    less = {"components": [], "systems": [], "runs": [], "missing": [], "audio": []}
    less |= {"tables": {}, "figures": {}, "benchmarks": None}
    write_report(path, **(study | less))
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == [] and not page.all("figure") and page.all("details")
