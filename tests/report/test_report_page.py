"""The page as a whole: complete, self-contained, the same bytes each time."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from audioldm_bench.report import results, write_report
from audioldm_bench.typeset import csv_text

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
    systems, bounds = 8 + 12, 2 * (4 + 3)
    ranked = 2 * (3 + 2)  # of two datasets three systems, floor and ceiling
    assert len(page.all("button", "value")) == 4 * (systems + bounds) + 6 * ranked
    assert len(page.all("div", "sources")) == systems + bounds + ranked
    named = {a["aria-labelledby"] for a in page.all("div", "sources") if a["role"] == "dialog"}
    assert len(named) == systems + bounds + ranked
    assert named <= {a.get("id") for a in page.all("h3")}, "a screen reader says whose they are"
    assert "(60.63)" in text and "+6.06" in text
    # KL is within its interval, the others beyond it; three words more explain the colours
    verdicts = [len(page.all("span", verdict)) for verdict in ("better", "worse", "same")]
    assert sum(verdicts) == 4 * (8 + 12) + 3 and verdicts[2] == 8 + 12 + 1
    assert min(verdicts[:2]) > 10
    assert "c0ffee" in text and "torch 2.13.0" in text and "fd_tagger" in text
    assert '<span class="interval">65.4 to 68.0</span>' in text


def test_floor_and_ceiling_stand_apart_and_beside_no_value_of_the_paper(page, text):
    assert len(page.all("tr", "bound")) == 2 * (4 + 3) + 2 * 2
    rows = re.findall(r'<tr class="bound">(.*?)</tr>', text, re.S)
    assert not any("difference" in row or 'class="paper"' in row for row in rows)
    assert sum("ceiling" in row and ">6.50<" in row and ">290.00<" in row for row in rows) == 9


def test_the_benchmark_has_ranks_differences_and_the_other_metrics(page, text):
    section = text[text.index('<section id="benchmark">') : text.index('<section id="figures">')]
    assert section.count("all systems on the same 60 clips</span>") == 2
    assert section.count("My model &amp; co &lt;1&gt;</th>") == 2 and "<1>" not in text
    assert section.count('<span class="behind beyond">+30.50') == 2
    assert section.count('<span class="behind">+0.25</span>') == 2
    assert section.count("(beyond chance)") == 2 and "−1.50 to 2.00" in section
    assert (
        section.count('title="kad_tagger, lower is better">KAD ↓<span class="backbone">tagger') == 2
    )
    assert ">0.0030</button>" in section and "CLAP score ↑" in section
    assert "<dt>kad_tagger</dt><dd>0.0060 (0.0054 to 0.0066)</dd>" in section
    assert "<dt>fd_tagger</dt><dd>40.00 (36.0 to 44.0) +30.50 against the first (21.0 to 39.0)" in (
        section
    )


def sources(text: str, title: str) -> dict[str, str]:
    """What the one popover of this title says."""
    (found,) = re.findall(rf"<h3 [^>]*>{re.escape(title)}</h3>.*?<dl>(.*?)</dl>", text, re.S)
    return dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", found))


def test_popovers_of_the_benchmark_say_what_is_so_of_their_row(text):
    section = text[text.index('<section id="benchmark">') : text.index('<section id="figures">')]
    run = sources(section, "ESC50, scratch, text, 40\u00a0K\u00a0steps")
    assert (run["Training steps"], run["Chosen by"]) == ("40000", "fd")
    for title in ("baseline, from text", "My model &amp; co &lt;1&gt;", "floor", "ceiling"):
        for dataset in ("ESC50", "AudioSet"):
            found = sources(section, f"{dataset}, {title}")
            assert not {"Training steps", "Chosen by"} & set(found), title
    ceiling = sources(section, "ESC50, ceiling")
    assert ceiling["Folder"].startswith("ceiling-noise; ceiling-shuffled where")
    assert "half-sampling" in ceiling["Interval"]
    assert ceiling["Weights of tagger, sha256"].startswith("f00d")


def test_every_popover_has_a_title_of_its_own(text):
    for section in re.findall('<section id="(?:tables|benchmark)">.*?</section>', text, re.S):
        titles = re.findall(r'<h3 id="[\w-]+-of">(.*?)</h3>', section)
        each = {title for title in titles if not title.endswith(("floor", "ceiling"))}
        assert len(each) > 5
        assert sorted(each) == sorted(t for t in titles if t in each)
    assert ">AudioCaps, pre-trained, audio, 40\u00a0K\u00a0steps</h3>" in text


def test_claims_about_figure1_stand_beside_what_was_found(text):
    assert "Figure 1: 3 of the paper’s 4 claims were found so" in text
    found = r'<span class="(as-said|not-so)">(\w+)</span>\s*<span class="paper">(.*?)</span>'
    cells = re.findall(found + r'\s*<span class="interval">(.*?)</span>', text)
    assert cells == [
        ("as-said", "worse", "paper: worse", "+36.50 (30.0 to 43.0)"),
        ("as-said", "worse", "paper: worse", "−4.00 (−5.00 to −3.00)"),
        ("not-so", "flat", "paper: worse", "+0.0040 (−0.0010 to 0.0090)"),
        ("as-said", "worse", "paper: worse", "+12.00"),
    ]


def test_players_have_sound_picture_and_name(page):
    players = page.all("figure", "player")
    # 2 prompts: 3 systems of AudioSet; real, 2 baselines, the best of 4 runs of ESC50 and a foreign
    candidates = page.all("figure", "candidate")
    assert len(players) - len(candidates) == 2 * 3 + 2 * 8
    assert len(candidates) == 2 * 2 * 7 and len(page.all("details", "candidates")) == 2
    sounds = [a["src"] for a in page.all("audio")]
    pictures = [a["src"] for a in page.all("img")]
    assert len(sounds) == len(pictures) == len(players)
    assert all(s.startswith("data:audio/mpeg;base64,") for s in sounds)
    assert all(p.startswith("data:image/png;base64,") for p in pictures)
    labels = [a["aria-label"] for a in page.all("button", "play")]
    assert sum("pre-trained, text, 40\u00a0K\u00a0steps:" in label for label in labels) == 2 * 3
    assert sum("candidate 2 of 3" in label for label in labels) == 2 * 7
    assert sum("My model & co <1>" in label for label in labels) == 2
    assert not any("corrupted" in label or "60\u00a0K" in label for label in labels)


def test_figures_and_curves_are_inline(page):
    assert len(page.all("svg", "figure")) == 2
    assert len(page.all("svg", "chart")) == 3
    assert len(page.all("svg", "spark")) == 4
    assert len(page.all("polyline", "line")) == 3 * 4 + 4
    # of ESC50, which has validation clips; and a mark a run in the legend
    assert len(page.all("circle", "dot")) == len(page.all("rect", "dot")) == 2 * 2 + 2


def test_validation_losses_are_written_out(page, text):
    assert len(page.all("table", "losses")) == 1
    section = text[text.index('<section id="training">') : text.index('<section id="clips">')]
    rows = re.findall(r'<th scope="row" class="number">(.*?)</th>(.*?)</tr>', section)
    assert [steps for steps, _ in rows] == ["20 K", "40 K"]
    assert [re.findall("<td.*?>(.*?)</td>", cells) for _, cells in rows] == [
        ["0.2"] * 4,
        ["0.22"] * 4,
    ]


def test_the_rest_is_told(text):
    for words in (
        "no longer on YouTube",
        "chance 0.05",
        "3 min 06 s",
        "Computed with other backbones",
        "best by FD on the evaluation set",
        "prefers-color-scheme: dark",
        "its 95\u00a0% interval",
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
    less |= {"tables": {}, "figures": {}, "benchmarks": [], "ranking": None, "foreign": {}}
    less |= {"claims": None, "metrics": [], "gpus": 0}
    write_report(path, **(study | less))
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == [] and not page.all("figure") and page.all("details")
    assert not page.all("table", "ranking")


def test_a_table_sorts_by_the_number_of_clips_where_some_are_missing(study, tmp_path):
    table = tmp_path / "table1.csv"
    rows = results.read_rows(study["tables"]["table1"])
    rows[0] |= {"n": "952", "missing": "12"}
    table.write_text(csv_text(list(rows[0]), rows), encoding="utf-8")
    path = tmp_path / "report.html"
    write_report(path, **(study | {"tables": {"table1": table}, "systems": [], "runs": []}))
    assert '<td class="number quiet" data-sort="952">952/964</td>' in path.read_text("utf-8")
