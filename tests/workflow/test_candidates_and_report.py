"""Of a finished study: candidates to be heard, and Snakemake's own report."""

import json
import re
import shutil
import zipfile

import pytest
from study import planned, run

S = "results/tiny"
E = f"{S}/systems/esc50"


def test_losing_candidates_are_kept_for_the_report(finished):
    page = (finished / f"{S}/report.html").read_text()
    for system in ("baseline-text", "scratch-audio-0000040"):
        about = json.loads((finished / E / system / "clips.json").read_text())
        kept = sorted(path.stem for path in (finished / E / system / "candidates").iterdir())
        assert len(kept) == 2, "of two clips the one of two that lost"
        for name in kept:
            clip, number = name.rsplit("-", 1)
            assert int(number) == 1 - about["choices"][clip]["chosen"]
            assert (finished / E / system / f"clips/{clip}.wav").exists()
        with_features = json.loads((finished / E / system / "metrics.json").read_text())
        assert with_features["n"] == 16
    # the report shows one prompt: of 2 baselines and 4 runs the candidate that lost
    assert page.count('<details class="candidates">') == 1
    assert page.count('<figure class="player candidate">') == 6


def test_a_study_without_candidates_is_finished_too(finished, tmp_path):
    """As one is that was sampled by an older version."""
    old = tmp_path / "old"
    shutil.copytree(finished, old, symlinks=True)
    for folder in (old / E).glob("*/candidates"):
        shutil.rmtree(folder)
    assert planned(old, "all") == {}
    jobs = planned(old, "all", changes={"sampling": {"guidance_scale": 3.5}})
    assert jobs["sample"] == 10, "and what was sampled is still known"
    more = {"report": {"sounds_per_dataset": 1, "candidates_per_dataset": 1}}
    assert set(planned(old, "all", changes=more)) <= {"all", "report", "write_report"}


def test_snakemakes_own_report_has_categories_and_captions(finished, tmp_path):
    out = tmp_path / "report.zip"
    run(finished, "all", options=["--report", str(out)])
    with zipfile.ZipFile(out) as file:
        names = file.namelist()
        text = "".join(file.read(name).decode("utf-8", "replace") for name in names
                       if name.endswith((".html", ".js", ".json")))  # fmt: skip
    for name in ("table1.csv", "table2.tex", "benchmark.md", "fig1.pdf", "fig2.svg", "report.html"):
        assert any("/data/raw/" in found and found.endswith(f"/{name}") for found in names), name
    for category in ("1. Tables", "2. Figures", "3. The study on one page"):
        assert category in text
    assert "A metric that a corruption does not move is blind to it" in text


def costs_of(page):
    """The row of each rule in the report's table of time, memory and GPU-hours."""
    row = r'<th scope="row" data-sort="(\w+)">\1</th>(.*?)</tr>'
    return dict(re.findall(row, page.read_text().partition('<section id="costs">')[2], re.S))


def test_gpu_hours_are_those_of_the_rules_that_ask_for_a_gpu(finished, tmp_path):
    """Every benchmark file of such a rule is found by its pattern."""
    changes = {"runtime": {"gpus_per_job": 2, "gpus_per_training": 3}}
    study = tmp_path / "study"
    shutil.copytree(finished, study, symlinks=True)
    run(study, f"{S}/report.html", options=["--forcerun", "write_report"], changes=changes)
    rows = costs_of(study / f"{S}/report.html")
    hours = {rule: cells.rsplit('data-sort="', 1)[1].split('"')[0] for rule, cells in rows.items()}
    walls = {rule: cells.split('data-sort="')[2].split('"')[0] for rule, cells in rows.items()}
    for rule in ("train", "sample", "features", "encode", "embed_audio", "corrupt"):
        gpus = 3 if rule == "train" else 2
        assert float(hours[rule]) == pytest.approx(gpus * float(walls[rule])) != 0, rule
    for rule in ("metrics", "tables", "resample", "manifest"):
        assert float(hours[rule]) == 0, rule


def test_time_is_that_of_the_studys_own_jobs(finished, tmp_path):
    """All of them, and neither another study's downloads nor what the config no longer names."""
    study = tmp_path / "study"
    shutil.copytree(finished, study, symlinks=True)
    own = len(list((study / f"{S}/benchmarks").rglob("*.tsv")))
    job = (study / f"{S}/benchmarks/tables.tsv").read_text()
    for name in (
        "resources/benchmarks/download_archive/esc50.tsv",  # here it is synthetic
        "resources/benchmarks/import_checkpoint/audioldm-s-full.tsv",
        f"{S}/benchmarks/train/esc50-scratch-text-9999999.tsv",
        f"{S}/benchmarks/import_system/esc50-gone.tsv",
    ):
        path = study / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(job)
    run(study, f"{S}/report.html", options=["--forcerun", "write_report"])
    jobs = [int(cells.split('"')[3]) for cells in costs_of(study / f"{S}/report.html").values()]
    assert sum(jobs) == own
    assert planned(study, "all") == {}, "and no benchmark file makes it run again"
