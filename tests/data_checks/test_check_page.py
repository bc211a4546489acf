"""The page: whole in one file, everything named, escaped, and right in a browser."""

import json
import re
import shutil
import subprocess

import pytest

from audioldm_bench.data_checks import page
from data_checks.check_world import World, sound

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LOOK = """<script>
const errors = [];
addEventListener("error", (e) => errors.push(e.message || e.target.tagName), true);
addEventListener("load", async () => {
  for (const image of document.images) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => 0)));
  parent.postMessage(JSON.stringify({
    errors,
    pictures: [...document.images].filter((image) => image.naturalWidth > 1).length,
    width: innerWidth,
    wide: document.documentElement.scrollWidth - innerWidth,
    page: getComputedStyle(document.body).backgroundColor,
    card: getComputedStyle(document.querySelector(".finding")).backgroundColor,
    ink: getComputedStyle(document.querySelector(".finding p")).color,
  }), "*");
});
</script>"""
# A window is at least 500 px wide; a frame is not.
FRAME = """<meta name="color-scheme" content="light dark">
<script>
addEventListener("message", (e) => {
  const seen = document.createElement("pre");
  seen.id = "seen";
  seen.textContent = e.data;
  document.body.append(seen);
});
</script>
<iframe src="page.html" width="%d" height="900" frameborder="0"></iframe>"""


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
@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
def test_in_a_browser(troubled_world, tmp_path, scheme, width):
    world, _ = troubled_world
    looked = world.page.replace("<head>", f"<head>{LOOK}")
    (tmp_path / "page.html").write_text(looked, encoding="utf-8")
    path = tmp_path / "frame.html"
    path.write_text(FRAME % width)
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --window-size=1300,1000"
    flags += f" --blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    command = [CHROMIUM, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=8000", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    seen = json.loads(re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.S).group(1))
    assert seen["errors"] == [] and seen["wide"] <= 0
    assert seen["width"] == width
    assert seen["pictures"] == world.page.count("<img") > 10

    def brightness(colour):
        return sum(map(int, re.findall(r"\d+", colour)[:3]))

    assert (brightness(seen["page"]) < 300) == (scheme == "dark")
    assert abs(brightness(seen["ink"]) - brightness(seen["card"])) > 380
