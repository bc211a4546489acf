"""The page: whole in one file, everything named, escaped, and right in a browser."""

import re

import pytest

from audioldm_bench.data_checks import page
from browser import CHROMIUM, Browser
from data_checks.check_world import World, sound

LOOK = """(async () => {
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => 0)));
  return {
    pictures: [...document.images].filter((image) => image.naturalWidth > 1).length,
    wide: document.documentElement.scrollWidth,
    page: getComputedStyle(document.body).backgroundColor,
    card: getComputedStyle(document.querySelector(".finding")).backgroundColor,
    ink: getComputedStyle(document.querySelector(".finding p")).color,
  };
})()"""


def test_the_page_needs_nothing_else(troubled_world):
    world, _ = troubled_world
    assert not re.search(r"(src|href)=\"(?!data:|#)", world.page)
    assert "http" not in re.sub(r"data:[^\"]*", "", world.page)
    assert len(world.page) < 1_000_000


def test_every_clip_of_a_finding_is_named_and_doubles_are_shown(troubled_world):
    world, findings = troubled_world
    for finding in findings.values():
        for clip in finding.clips:
            assert f"<code>{clip['clip_id']}</code> {clip['file']}" in world.page
        for pair in finding.pairs:
            for side in (pair["one"], pair["other"]):
                assert f"<code>{side['clip_id']}</code>" in world.page
                assert f'alt="Spectrogram of {side["clip_id"]}"' in world.page
    for clip_id in ("quiet", "hot", "tick", "long", "click"):
        assert f'alt="Spectrogram of {clip_id}"' in world.page


def test_names_and_captions_are_text(tmp_path):
    world = World(tmp_path)
    for n in range(6):
        world.add(f"<b>{n} & co.wav", sound(n, 0.4), "train", "<i>rain</i>", "<u>rain</u>")
        world.add(f"test {n}.wav", sound(40 + n), "evaluation", f"<i>{n}", "<u>rain</u>")
    world.prepare()
    world.check()
    assert "&lt;b&gt;0 &amp; co.wav" in world.page and "&lt;u&gt;rain&lt;/u&gt;" in world.page
    assert not re.search(r"<[biu]>", world.page)


def test_only_a_copy_is_called_one(tmp_path):
    """A quieter recording correlates by 1.000, and is another file."""
    world = World(tmp_path)
    for n in range(4):
        world.add(f"rain-{n}.wav", sound(n), "train", f"rain {n}", "rain")
        world.add(f"test-{n}.wav", sound(40 + n), "evaluation", f"rain {n}", "rain")
    world.add("quieter.wav", 0.25 * sound(1), "evaluation", "rain 1", "rain")
    world.prepare()
    assert world.check()["near-train-evaluation"].pairs[0]["alike"] == 1
    assert "correlation 1.00" in world.page and "exact copy" not in world.page


def test_long_lists_are_cut_on_the_page_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "LISTED", 3)
    monkeypatch.setattr(page, "PICTURED", 2)
    world = World(tmp_path)
    for n in range(6):
        world.add(f"short-{n}.wav", sound(n, 0.4), "train", f"rain {n}", "rain")
        world.add(f"test-{n}.wav", sound(40 + n), "evaluation", f"rain {n}", "rain")
    world.prepare()
    world.check()
    assert "and 3 more, in checks.json" in world.page
    assert world.page.count("<img") == 2
    (short,) = (f for f in world.checks["findings"] if f["kind"] == "short")
    assert len(short["clips"]) == 6


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 360)])
def test_in_a_browser(troubled_world, tmp_path, scheme, width):
    world, _ = troubled_world
    path = tmp_path / "page.html"
    # as long a word as the paper's dataset gives
    text = world.page.replace("datasets.mine.", "datasets.urbansound8k.")
    assert "datasets.urbansound8k.nominal_duration" in text
    path.write_text(text, encoding="utf-8")
    browser = Browser(tmp_path / "profile")
    try:
        browser.open(path, width, dark=scheme == "dark")
        seen = browser.run(LOOK)
    finally:
        browser.close()
    # not innerWidth: a phone zooms out until what is too wide has room
    assert browser.errors == [] and seen["wide"] <= width
    assert seen["pictures"] == world.page.count("<img") > 10

    def brightness(colour):
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert (brightness(seen["page"]) < 300) == (scheme == "dark")
    assert abs(brightness(seen["ink"]) - brightness(seen["card"])) > 380
