"""docs/tutorial.md, from its own text: on 80 recordings of ESC-10, with models of a few numbers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import soundfile
from tutorial_world import ESC10, blocks, commands, make_recordings, run, tiny_sizes

from browser import CHROMIUM
from report_in_browser import look_at

pytestmark = [
    pytest.mark.skipif(not ESC10.is_dir(), reason=f"the recordings of ESC-10 are not in {ESC10}"),
    pytest.mark.timeout(2400),
]
STEP = "0000020"  # the last of the tiny study; the text has those of whole ones


def the_command(*words: str) -> list[str]:
    """The only one of the text that begins so."""
    found = [c for c in commands() if tuple(c[: len(words)]) == words]
    assert len(found) == 1, f"{words}: {found}"
    return found[0]


def inits() -> tuple[list[str], list[str]]:
    """With the published model, and offline."""
    published, offline = (c for c in commands() if c[:2] == ["audioldm-bench", "init"])
    assert offline == [*published, "--offline"]
    return published, offline


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> Path:
    """The folder in which the recordings are; its Snakefile is only there."""
    folder = tmp_path_factory.mktemp("tutorial")
    make_recordings(folder)
    (folder / "Snakefile").touch()
    return folder


def test_the_csv_is_as_the_text_shows_it(started) -> None:
    (shown,) = blocks("csv")
    written = (started / "data/my-sounds/metadata.csv").read_text().splitlines()
    assert set(shown.splitlines()) <= set(written)
    assert len(written) == 81


def test_init_says_and_writes_what_the_text_shows(started) -> None:
    assert run(started, inits()[0]) == blocks("text")[0]
    (shown,) = blocks("yaml")
    assert (started / "my-study.yaml").read_text(encoding="utf-8") == shown
    assert not (started / "my-study.csv").exists()


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The folder of the offline study, as the text makes it, but of tiny models."""
    folder = tmp_path_factory.mktemp("finished")
    make_recordings(folder)
    run(folder, inits()[1])
    sizes = tiny_sizes(folder / "tiny.yaml")
    run(folder, the_command("snakemake", "all"), str(sizes))
    return folder


@pytest.mark.slow
def test_the_study_makes_what_the_text_names(finished) -> None:
    results = finished / "results/my-study"
    made = ["report.html", "tables/table1.md", "tables/table2.md"]
    made += ["figures/fig1.pdf", "figures/fig2.pdf", "data/mine/check.html"]
    assert [name for name in made if not (results / name).stat().st_size] == []
    with open(results / "tables/table2.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    tuned = [row for row in rows if row["train_condition"] == "text"]
    assert [(row["dataset"], row["train_steps"]) for row in tuned] == [("mine", "20")]
    assert float(tuned[0]["fd"]) > 0
    with open(results / "data/mine/manifest.csv", newline="", encoding="utf-8") as file:
        splits = [row["split"] for row in csv.DictReader(file)]
    assert [splits.count(name) for name in ("train", "validation", "evaluation")] == [50, 10, 20]
    assert "mine" in run(finished, the_command("audioldm-bench", "show"))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_its_report_opens_in_a_browser(finished, tmp_path) -> None:
    look_at(finished / "results/my-study/report.html", tmp_path)


@pytest.mark.slow
def test_the_checkpoint_sounds(finished) -> None:
    words = the_command("audioldm-bench", "generate")
    assert words[3].endswith("/pretrained-text/step-0001000")
    words[3] = words[3].replace("0001000", STEP)
    run(finished, words, "--seconds", "1.28")
    samples, rate = soundfile.read(finished / "generated/a-dog-barking.wav")
    assert rate == 16000 and len(samples) == 20480 and abs(samples).max() > 0
