"""The page in headless Chromium, if there is one: by mouse, by keyboard, on a phone, at night."""

from __future__ import annotations

import pytest

from audioldm_bench.report import write_report
from browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")

# Text whose contrast to what is behind it is under the WCAG's 4.5 (3 for large text). Of a chart's
# text, and of a figure's, which is outlines, the fill counts; behind a player's text can be a
# spectrogram, whose lightest colour is nearly white.
FAINT = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => rgb.slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (upper, lower) =>
    lower.map((v, i) => (upper[i] * upper[3] + v * (255 - upper[3])) / 255);
  const behind = (node) => {
    if (!node || node.matches(".play")) return [255, 255, 255];
    const found = rgba(getComputedStyle(node).backgroundColor);
    return found[3] === 255 ? found : over(found, behind(node.parentElement));
  };
  const faint = {}, looked = {};
  const look = (node, ink, ground, style) => {
    const kind = node.closest("svg.figure, svg.chart, .play")?.classList[0] || "text";
    looked[kind] = (looked[kind] || 0) + 1;
    const [a, b] = [light(rgba(ink)), light(ground)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    const name = node.getAttribute("class") || node.tagName;
    if (contrast < (large ? 3 : 4.5)) faint[`${kind} ${name}`] = contrast;
  };
  for (const node of document.body.querySelectorAll("*")) {
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
    const drawn = node.matches("svg text, g[id*=-text_] use");
    const style = getComputedStyle(node);
    const elsewhere = node.closest(".hidden, script, .skip, svg title");
    if (!(own || drawn) || elsewhere || style.display === "none") continue;
    look(node, drawn ? style.fill : style.color, behind(node), style);
  }
  for (const node of document.querySelectorAll(".play")) {
    const icon = getComputedStyle(node, "::after");
    look(node, icon.color, over(rgba(icon.backgroundColor), behind(node)), icon);
  }
  return {faint, looked};
})()"""


# Of every table, scrolled to its end: where its box begins, and of each row where its name stands
# and where its last value begins.
NAMES = """[...document.querySelectorAll(".scroll")].map((box) => {
  box.scrollLeft = box.scrollWidth;
  const rows = [...box.querySelectorAll("tbody tr")].map((row) => {
    const head = row.querySelector("th");
    const name = head.getBoundingClientRect();
    const cell = row.cells[row.cells.length - 1].getBoundingClientRect();
    return {name: head.innerText, left: name.left, right: name.right, value: cell.left + 1};
  });
  return {name: box.getAttribute("aria-label"), left: box.getBoundingClientRect().left, rows};
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def page(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("browser") / "report.html"
    write_report(path, **study)
    return path


def press(browser, key: str) -> None:
    """A key that moves."""
    code = {"End": 35, "ArrowLeft": 37, "ArrowRight": 39}[key]
    for kind in ("rawKeyDown", "keyUp"):
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        browser("Input.dispatchKeyEvent", type=kind, **about)


def playing(browser) -> list[int]:
    sounds = "[...document.querySelectorAll('audio')]"
    return browser.run(f"{sounds}.map((a, i) => a.paused ? -1 : i).filter((i) => i >= 0)")


def test_sounds_play_one_at_a_time_and_candidates_on_demand(browser, page):
    browser.open(page)
    browser.run("window.plays = [...document.querySelectorAll('.play')]")
    browser.run("window.sound = (i) => plays[i].parentElement.querySelector('audio')")
    browser.run("plays[0].click()")
    browser.until("sound(0).currentTime > 0.02")
    assert browser.run("sound(0).duration") == pytest.approx(0.4, abs=0.1)
    browser.run("plays[1].click()")
    browser.until("!sound(1).paused && sound(0).paused")
    assert len(playing(browser)) <= 1
    browser.until("sound(1).paused && plays[1].ariaPressed === 'false'")  # it ended by itself
    shown = "document.querySelector('.candidate .play').checkVisibility()"
    assert browser.run(shown) is False
    browser.run("document.querySelector('details.candidates summary').focus()")
    browser.press("Enter")
    assert browser.run(shown) is True
    browser.run("document.querySelector('.candidate .play').focus()")
    browser.press(" ")
    browser.until("document.querySelector('.candidate audio').currentTime > 0.02")
    assert browser.errors == []


def test_pictures_are_there(browser, page):
    browser.open(page)
    browser.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    browser.run("[...document.images].forEach((i) => (i.loading = 'eager'))")
    browser.until("[...document.images].every((i) => i.naturalWidth > 0)")
    assert browser.run("document.images.length") == 2 * 3 + 2 * 8 + 2 * 2 * 7
    drawn = "[...document.querySelectorAll('svg.figure, svg.chart')]"
    assert browser.run(f"{drawn}.length") == 2 + 3
    assert browser.run(f"{drawn}.every((s) => s.getBoundingClientRect().height > 100)")
    assert browser.run("getComputedStyle(document.querySelector('circle.dot')).stroke") != "none"
    assert browser.errors == []


def test_tables_sort_up_down_and_back(browser, page):
    browser.open(page)
    browser.run("window.table = document.querySelector('table.results')")
    column = "[...table.tBodies[0].rows].map((row) => Number(row.cells[2].dataset.sort))"
    head = "table.tHead.rows[0].cells[2].querySelector('button')"
    orders = [browser.run(column)]
    browser.run(f"{head}.focus()")
    for _ in range(3):
        browser.press("Enter")
        orders.append(browser.run(column))
    written, up, down, again = orders
    assert up == sorted(written) != written and down == up[::-1] and again == written
    browser.run("window.ranked = document.querySelector('table.ranking')")
    rank = "ranked.tHead.rows[0].cells[0].querySelector('button').click()"
    browser.run(f"{rank}; {rank}")
    ranks = browser.run("[...ranked.tBodies[0].rows].map((row) => row.cells[0].innerText)")
    assert ranks == ["3", "2", "1", "", ""], "down, floor and ceiling last"


def test_sources_of_a_number_open_and_close_by_keyboard(browser, page):
    browser.open(page)
    opened = "document.querySelector(':popover-open')"
    browser.run("window.value = document.querySelector('.value')")
    browser.run("value.focus()")
    browser.press("Enter")
    told = browser.run(f"{opened}.innerText")
    for words in (
        "Clips (N)\n64", "Seed\n0", "fd_tagger", "Checkpoint, sha256\nc0ffee",
        "Clip list, sha256\nab",
        "Sampling steps\n200", "torch 2.13.0", "Metrics computed with\nnumpy 9.8.7", "seed 7",
        "Weights of tagger, sha256\nf00d", "Sampler\nddim",
    ):  # fmt: skip
        assert words in told, words
    assert browser.run("document.activeElement.innerText") == "Close"
    browser.press("Enter")
    assert browser.run(f"{opened} === null")
    assert browser.run("document.activeElement === value"), "back where one was"
    browser.press(" ")
    assert browser.run(f"{opened} !== null")
    browser.press("Escape")
    assert browser.run(f"{opened} === null")
    browser.run("document.querySelector('table.ranking .value').click()")
    assert "kad_tagger\n0.0030 (0.0027 to 0.0033)" in browser.run(f"{opened}.innerText")


def test_arrows_seek_in_a_sound(browser, page):
    browser.open(page)
    browser.run("window.play = document.querySelector('.play')")
    browser.run("window.sound = play.parentElement.querySelector('audio')")
    browser.run("window.cursor = play.querySelector('.cursor')")
    browser.run("play.focus()")
    press(browser, "ArrowRight")
    assert browser.run("sound.currentTime") == 0, "nothing to seek in before it has played"
    browser.press("Enter")
    browser.until("sound.currentTime > 0.02")
    browser.until("sound.paused")
    length = browser.run("sound.duration")
    for key, at in [("Right", 0.1), ("Right", 0.2), ("Left", 0.1), ("Left", 0), ("Left", 0)]:
        press(browser, f"Arrow{key}")
        assert browser.run("sound.currentTime") == pytest.approx(at * length, abs=0.01)
        browser.until(f"Math.abs(parseFloat(cursor.style.left) - {100 * at}) < 2")
    assert browser.run("getComputedStyle(cursor).opacity") == "0.9"
    described = "document.getElementById(play.getAttribute('aria-describedby')).innerText"
    assert "← and →" in browser.run(described)


@pytest.mark.parametrize(("width", "height"), [(360, 640), (1280, 400)])
def test_long_sources_scroll_within_the_window(browser, page, width, height):
    browser.open(page, width=width)
    phone = {"mobile": width < 600, "deviceScaleFactor": 1}
    browser("Emulation.setDeviceMetricsOverride", width=width, height=height, **phone)
    values = "document.querySelectorAll('.sources dd')"
    browser.run(f"{values}.forEach((d) => d.append('abcd'.repeat(40)))")
    browser.run("document.querySelector('.value').focus()")
    browser.press("Enter")
    browser.run("window.opened = document.querySelector(':popover-open')")
    box = "opened.getBoundingClientRect().toJSON()"
    inside = browser.run(box)
    assert inside["top"] >= 0 and inside["bottom"] <= height
    assert inside["left"] >= 0 and inside["right"] <= width
    assert browser.run("opened.scrollHeight > opened.clientHeight && opened.scrollTop === 0")
    assert browser.run("opened.scrollWidth <= opened.clientWidth")
    columns = browser.run("getComputedStyle(opened.querySelector('dl')).gridTemplateColumns")
    assert len(columns.split()) == (1 if width < 640 else 2)
    closing = "opened.querySelector('button')"
    assert browser.run(f"document.activeElement === {closing}")
    press(browser, "End")
    browser.until("opened.scrollTop + opened.clientHeight > opened.scrollHeight - 2")
    for end in ("top", "bottom"):
        at = browser.run(f"{closing}.getBoundingClientRect().{end}")
        assert inside["top"] <= at <= inside["bottom"], "in sight wherever one reads"
    browser.press("Enter")
    assert browser.run("document.querySelector(':popover-open') === null")


def test_a_phone_shows_whose_values_are_seen(browser, page):
    browser.open(page, width=360)
    browser.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    tables = browser.run(NAMES)
    assert len(tables) == 2 + 2 + 1 + 1 + 1 + 1
    for table in tables:
        for row in table["rows"]:
            assert table["left"] - 1 <= row["left"] and row["right"] <= row["value"], table["name"]
        names = [row["name"] for row in table["rows"]]
        assert len(set(names)) == len(names), table["name"]
        if table["name"].startswith("Table II"):
            assert "ESC50, pre-trained, text, 40\u00a0K\u00a0steps" in names


def test_a_phone_does_not_scroll_sideways(browser, page):
    browser.open(page, width=375)
    browser.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert browser.run("innerWidth") == 375
    assert browser.run("document.documentElement.scrollWidth") <= 375
    browser.run("document.querySelector('.value').click()")
    box = browser.run("document.querySelector(':popover-open').getBoundingClientRect().toJSON()")
    assert box["left"] >= 0 and box["right"] <= 375
    assert browser.run("document.documentElement.scrollWidth") <= 375


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_can_be_read_by_day_and_by_night(browser, page, dark):
    browser.open(page, dark=dark)
    ink = browser.run("getComputedStyle(document.body).color")
    assert (ink == "rgb(228, 230, 232)") is dark
    browser.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    browser.run("document.querySelector('.value').click()")
    seen = browser.run(FAINT)
    looked = seen["looked"]
    assert seen["faint"] == {} and looked["text"] > 500
    assert min(looked["chart"], looked["figure"], looked["play"]) > 20
    browser.run("document.documentElement.style.setProperty('--quiet', '#808080')")
    rules = "svg.figure { fill: #808080 } .play *, .play::after { background: #0000 !important }"
    browser.run("document.head.append(document.createElement('style'))")
    browser.run(f"document.head.lastElementChild.textContent = {rules!r}")
    faint = browser.run(FAINT)["faint"]
    kinds = {name.split()[0] for name in faint}
    assert kinds == {"text", "chart", "figure", "play"}, "so the test can fail"
