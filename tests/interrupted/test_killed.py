"""Killed in the middle of a stage, and run again: the same tables, byte for byte."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from one_run import CONFIGS, TABLES, S
from study import command, environment, run

SLOWLY = {"runtime": {"clips_per_part": 1}}  # more moments to be killed in; changes no result
# stage: (what shows that it is under way, what it is to make, its log, what the log then says)
STAGES = {
    "resample": (
        f"{S}/state/resample/esc50-00000/part-000003.h5",
        f"{S}/data/esc50/audio/shard-00000.h5",
        f"{S}/logs/resample/esc50-00000.log",
        "parts are there",
    ),
    "embed": (
        f"{S}/state/embed_audio/esc50-00000/part-000000.h5",
        f"{S}/data/esc50/clap/shard-00000.h5",
        f"{S}/logs/embed_audio/esc50-00000.log",
        "parts are there",
    ),
    "train": (
        f"{S}/state/train/esc50-pretrained-text-0000240/state-0000001[3-9]?.pt",
        f"{S}/runs/esc50/pretrained-text/step-0000240",
        f"{S}/logs/train/esc50-pretrained-text-0000240.log",
        "continues after step",
    ),
    "sample": (
        f"{S}/state/sample/esc50-pretrained-text-0000240/batch-0000000.json",
        f"{S}/systems/esc50/pretrained-text-0000240/clips.json",
        f"{S}/logs/sample/esc50-pretrained-text-0000240.log",
        "are there",
    ),
}


def kill_when(folder, sign, target, *, group: bool) -> None:
    """Starts the study and kills it with SIGKILL as soon as `sign` (a pattern) is there.

    `group`: with all its jobs, as a machine that loses power; else Snakemake alone, whose job
    is then to stop by itself.
    """
    process = subprocess.Popen(
        command(folder, target, options=["--cores", "1"], configs=CONFIGS, changes=SLOWLY),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        start_new_session=True,
    )
    end = time.monotonic() + 600  # other work may have the cores
    try:
        while not list(folder.glob(sign)):
            assert process.poll() is None, f"{target} ended before {sign} was seen"
            assert time.monotonic() < end, f"{sign} did not come"
            time.sleep(0.001)
    finally:
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


@pytest.mark.slow
def test_a_study_killed_in_four_stages_ends_in_the_same_tables(undisturbed, tmp_path):
    for stage, (sign, target, log, words) in STAGES.items():
        group = stage != "train"
        kill_when(tmp_path, sign, target, group=group)
        assert not (tmp_path / target).exists(), stage
        run(tmp_path, options=["--unlock"], configs=CONFIGS)
        run(tmp_path, target, configs=CONFIGS, changes=SLOWLY)
        assert words in (tmp_path / log).read_text(), stage
    run(tmp_path, "all_tables", configs=CONFIGS)
    for table in TABLES:
        assert (tmp_path / table).read_bytes() == (undisturbed / table).read_bytes(), table
