"""What a person sees: without a target, when a job fails, and that libraries keep quiet."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from study import ROOT, command, environment, planned, run

MINE = {
    "adapter": "table",
    "source": "folder",
    "table": "mine.csv",
    "download": [],
    "licence": "own",
    "split": {"kind": "random", "evaluation": 2, "validation": 0, "evaluation_folds": []}
    | {"stratify": False},
    "evaluation_list": None,
    "caption_template": "{caption}",
    "nominal_duration": 1.0,
    "generated_duration": 1.0,
    "shards": 1,
}
SHARD = "results/tiny/data/mine/audio/shard-00000.h5"
LOG = "results/tiny/logs/resample/mine-00000.log"
# what Snakemake says on its own, and our lines, which name their job
OURS = re.compile(r"\[[\w -]+\] |error: ")
SNAKEMAKES = re.compile(
    r"$|    |\[\w{3} \w{3} +\d|localrule |rule |Finished jobid|Select jobs|Execute \d+ jobs"
    r"|\d+ of \d+ |Using |Config file |Assuming |SNAKEMAKE|=+$|  \w[\w ()]*: |Building DAG"
    r"|Provided |Rules claiming|Job stats|job +count|-+ +-+|\w+ +\d+$|Complete log|Elapsed time"
    r"|Removing temporary|Conda environments"
)


def changes(folder: Path) -> dict:
    """A study of the sounds in `folder`, with their mine.csv."""
    named = {"datasets": ["mine"]}
    return {
        "datasets": {"mine": MINE | {"folder": str(folder)}},
        "training": named | {"steps": {"mine": 80}},
        "table1": named,
        "table2": named,
        "figure1": {"dataset": "mine"},
        "figure2": {"dataset": "mine"},
    }


@pytest.fixture
def broken(tmp_path):
    """A folder of six files that are no sounds."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    names = [f"{number}.wav" for number in range(6)]
    for name in names:
        (folder / name).write_bytes(b"RIFF and no more")
    rows = "".join(f"{name},a noise\n" for name in names)
    (folder / "mine.csv").write_text(f"file,caption\n{rows}")
    return folder


def test_without_a_target_it_says_what_can_be_asked_for(tmp_path):
    done = run(tmp_path)
    names = ("all", "all_tables", "all_figures", "figure1", "figure2", "report")
    for name in (*names, "check_data", "preflight"):
        assert re.search(rf"^  {name} +\w", done.stdout, re.M), done.stdout
    for path in (ROOT / "config").glob("*.yaml"):
        assert re.search(rf"^  config/{path.name} +\w", done.stdout, re.M), path
    assert "the study 'tiny'" in done.stdout
    assert "snakemake --cores 2 all --configfile config/mini.yaml" in done.stdout
    assert "Execute" not in done.stdout and not (tmp_path / "results").exists()


def test_a_refused_config_ends_with_its_mistakes(tmp_path):
    wrong = {"sampling": {"steps": -5}, "bogus": 1}
    done = run(tmp_path, "all", options=["--dry-run"], changes=wrong, check=False)
    assert done.returncode == 1
    *_, count, unknown, negative = done.stdout.rstrip().splitlines()
    assert count.startswith("error: The config has 2 mistakes; mend your --configfile")
    assert unknown.startswith("  - unknown key `bogus`")
    assert negative == "  - `sampling.steps` is -5: it must be at least 1."


def test_a_broken_sound_is_the_last_line_under_its_log(tmp_path, broken):
    done = run(tmp_path / "study", SHARD, changes=changes(broken), check=False)
    assert done.returncode == 1
    *_, count, job, log, error = done.stdout.rstrip().splitlines()
    assert (count, job) == ("1 job failed:", "resample (dataset=mine, shard=00000)")
    assert log == f"log: {LOG}" and (tmp_path / "study" / LOG).is_file()
    assert error.startswith("error: ") and "none of 6 clips of this shard can be used" in error
    assert "Traceback" not in done.stdout


def test_a_table_that_lacks_a_column_ends_the_same_way(tmp_path, broken):
    (broken / "mine.csv").write_text("file,words\n0.wav,a noise\n")
    done = run(tmp_path / "study", SHARD, changes=changes(broken), check=False)
    assert done.returncode == 1
    assert done.stdout.rstrip().splitlines()[-2] == "log: results/tiny/logs/manifest/mine.log"
    assert "mine.csv" in done.stdout.rstrip().splitlines()[-1]


def test_a_table_may_be_named_by_its_whole_path(tmp_path, broken):
    mine = changes(broken)
    mine["datasets"]["mine"]["table"] = str(broken / "mine.csv")
    assert "make_manifest" in planned(tmp_path / "study", SHARD, changes=mine)


def children(pid: int) -> list[int]:
    """Of a process, and theirs; those that run."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children(child)]
    return found


def kill_job(process: subprocess.Popen, script: str, log: Path) -> None:
    """Kills the job that runs workflow/scripts/<script> once it has opened its log."""
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        for pid in children(process.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:  # it has ended
                continue
            if log.exists() and words[1:2] and words[1].endswith(f".{script}".encode()):
                os.kill(pid, signal.SIGKILL)
                return
        time.sleep(0.005)
    raise AssertionError(f"{script} was not seen at work")


def test_a_job_that_was_killed_is_said_to_have_been(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    target = "results/tiny/data/esc50/manifest.csv"
    process = subprocess.Popen(
        command(folder, target),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    )
    try:
        kill_job(process, "synthesise.py", folder / "results/tiny/logs/synthesise/esc50.log")
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1
    *_, job, log, error = said.rstrip().splitlines()
    assert job == "synthesise_dataset (dataset=esc50)"
    assert log == "log: results/tiny/logs/synthesise/esc50.log"
    assert error == "error: killed (SIGKILL), perhaps out of memory: no error in its log"


def test_no_library_speaks_to_the_user(finished, tmp_path):
    """Jobs that load CLAP, UNet, VAE, vocoder and the backbones, made again in a copy."""
    study = shutil.copytree(finished, tmp_path / "study")
    systems = "results/tiny/systems/esc50/baseline-text"
    targets = ["results/tiny/data/esc50/text.h5", f"{systems}/features/clap.h5"]
    forced = ["--forcerun", "embed_text", "sample", "extract_features"]
    done = run(study, *targets, options=forced)
    assert "localrule sample:" in done.stdout and "localrule extract_features:" in done.stdout
    strange = [
        line
        for line in done.stdout.splitlines()
        if not OURS.match(line) and not SNAKEMAKES.match(line)
    ]
    assert strange == []
    logs = [path for path in study.glob("results/tiny/logs/**/*.log") if path.stat().st_size]
    assert len(logs) > 50
    for path in logs:  # of the whole study
        lines = path.read_text().splitlines()
        assert [line for line in lines if not OURS.match(line)] == [], path
