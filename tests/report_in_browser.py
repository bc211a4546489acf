"""What must hold of any study's report when a person opens it."""

from pathlib import Path

from browser import Browser

SORTED = """
(() => {
  const table = document.querySelector("table.results");
  const cells = (column) => [...table.tBodies[0].rows].map((r) => r.cells[column].dataset.sort);
  const differ = (cell, i) => cell.querySelector("button") && new Set(cells(i)).size > 1;
  const column = [...table.tHead.rows[0].cells].findIndex(differ);
  const values = () => cells(column);
  const head = table.tHead.rows[0].cells[column].querySelector("button");
  const orders = [values()];
  for (let i = 0; i < 3; i++) { head.click(); orders.push(values()); }
  return orders;
})()"""


def look_at(page: Path, folder: Path) -> None:
    """No console error, every player plays, every picture is there, tables sort, a phone has room.

    `folder` is for the browser's profile and for a picture of the page, report.png.
    """
    browser = Browser(folder / "profile")
    try:
        browser.open(page)
        browser.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        _players_play(browser)
        browser.run("[...document.images].forEach((i) => (i.loading = 'eager'))")
        browser.until("document.images.length && [...document.images].every((i) => i.naturalWidth)")
        drawn = "[...document.querySelectorAll('svg.figure, svg.chart')]"
        heights = browser.run(f"{drawn}.map((s) => s.getBoundingClientRect().height)")
        assert len(heights) > 2 and min(heights) > 100, heights
        written, up, down, again = browser.run(SORTED)
        assert up != down and again == written and sorted(up) == sorted(written)
        browser.picture(folder / "report.png")
        browser.open(page, width=375)
        assert browser.run("document.documentElement.scrollWidth") <= 375
        assert browser.errors == []
    finally:
        browser.close()


def _players_play(browser: Browser) -> None:
    browser.run("window.plays = [...document.querySelectorAll('.play')]")
    browser.run("window.sound = (i) => plays[i].parentElement.querySelector('audio')")
    count = browser.run("plays.length")
    assert count > 1, "real and a system at least"
    for number in range(count):
        browser.run(f"plays[{number}].click()")
        browser.until(f"sound({number}).currentTime > 0.02 || sound({number}).ended")
        playing = "plays.filter((_, i) => !sound(i).paused).length"
        assert browser.run(playing) <= 1, "one sound at a time"
