"""The page in headless Chromium, where there is one: sounds play, tables sort, sources open."""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess

import pytest

from audioldm_bench.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required "
    "--remote-debugging-port=0"
)

# Acts as a reader does and posts what it saw. %PORT% is put in.
READER = """<script>
const seen = {errors: []};
addEventListener("error", (e) => seen.errors.push(e.message || e.target.tagName), true);
addEventListener("unhandledrejection", (e) => seen.errors.push(String(e.reason)));
const until = async (test) => {
  for (let i = 0; i < 100 && !test(); i++) await new Promise((done) => setTimeout(done, 30));
  return Boolean(test());
};
addEventListener("load", async () => {
  const [one, two] = document.querySelectorAll(".play");
  const sound = (button) => button.parentElement.querySelector("audio");
  one.click();
  seen.plays = await until(() => sound(one).currentTime > 0.02);
  seen.seconds = sound(one).duration;
  two.click();
  seen.oneAtATime = await until(() => sound(one).paused && !sound(two).paused);
  two.click();
  seen.stops = await until(() => sound(two).paused && two.ariaPressed === "false");
  for (const image of document.images) image.loading = "eager";
  seen.pictures = await until(() => [...document.images].every((i) => i.naturalWidth > 0));
  const table = document.querySelectorAll("table.results")[0];
  const column = () => [...table.tBodies[0].rows].map((row) => Number(row.cells[2].dataset.sort));
  const head = table.tHead.rows[0].cells[2].querySelector("button");
  seen.orders = [0, 1, 2, 3].map((clicks) => { if (clicks) head.click(); return column(); });
  const value = document.querySelector(".value");
  value.click();
  const sources = document.getElementById(value.getAttribute("popovertarget"));
  seen.sources = sources.matches(":popover-open") && sources.innerText;
  sources.hidePopover();
  const ranking = document.querySelector("table.ranking");
  const rank = ranking.tHead.rows[0].cells[0].querySelector("button");
  rank.click();
  rank.click();
  seen.ranks = [...ranking.tBodies[0].rows].map((row) => row.cells[0].innerText);
  const ranked = ranking.querySelector(".value");
  ranked.click();
  const about = document.getElementById(ranked.getAttribute("popovertarget"));
  seen.about = about.matches(":popover-open") && about.innerText;
  seen.wide = document.documentElement.scrollWidth - innerWidth;
  const body = JSON.stringify(seen);
  fetch("http://127.0.0.1:%PORT%/", {method: "POST", mode: "no-cors", body});
});
</script>"""


class _Ear(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.heard = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_reader_can_use_the_page(study, tmp_path):
    page = tmp_path / "report.html"
    write_report(page, **study)
    server = http.server.HTTPServer(("127.0.0.1", 0), _Ear)
    server.heard, server.timeout = None, 60
    head, _, tail = page.read_text(encoding="utf-8").rpartition("</body>")
    reader = READER.replace("%PORT%", str(server.server_port))
    page.write_text(f"{head}{reader}</body>{tail}", encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [CHROMIUM, *FLAGS.split(), profile, "--window-size=500,800", page.as_uri()]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server.handle_request()
    finally:
        browser.terminate()
        browser.wait(20)
        server.server_close()
    assert server.heard, "the page did not get to its end"
    seen = json.loads(server.heard)
    assert seen["errors"] == []
    assert seen["plays"] and seen["oneAtATime"] and seen["stops"] and seen["pictures"]
    assert seen["seconds"] == pytest.approx(0.4, abs=0.1)
    written, up, down, again = seen["orders"]
    assert up == sorted(written) != written and down == up[::-1] and again == written
    assert "Seed\n0" in seen["sources"] and "fd_tagger" in seen["sources"]
    assert seen["ranks"] == ["3", "2", "1", "", ""], "down, floor and ceiling last"
    assert "kad_tagger\n0.0090 (0.0081 to 0.0099)" in seen["about"]
    assert seen["wide"] <= 0, "wider than a narrow window"
