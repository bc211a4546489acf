"""The two profiles: what stands in them, and that `--profile profiles/slurm` is not overruled."""

import re

import yaml
from study import ROOT, run

DEFAULT, SLURM = (
    yaml.safe_load((ROOT / f"profiles/{name}/config.yaml").read_text())
    for name in ("default", "slurm")
)


def limits(text):
    """The resources that Snakemake says its jobs share."""
    said = re.search(r"^Provided resources: .*$", text, re.M)
    assert said, text[-2000:]
    return dict(re.findall(r"(\w+)=(?:Resource\(\"\w+\", )?(\d+)", said[0]))


def test_the_default_profile_says_nothing_that_slurms_says_differently():
    """Snakemake loads it beside `--profile`, and its keys win."""
    assert {key for key in DEFAULT if key in SLURM and DEFAULT[key] != SLURM[key]} == set()
    assert not {"resources", "default-resources", "jobs", "retries", "executor"} & set(DEFAULT)


def test_the_slurm_profile_asks_squeue_patiently_and_retries_in_one_place():
    assert SLURM["slurm-status-command"] == "squeue" and SLURM["keep-going"] is True
    seconds = SLURM["slurm-status-attempts"] / SLURM["max-status-checks-per-second"]
    assert seconds >= 3600  # without a controller
    assert 3 * SLURM["slurm-init-seconds-before-status-checks"] < 300  # SLURM's own MinJobAge
    assert SLURM["retries"] >= 1
    for path in (ROOT / "workflow").rglob("*.smk"):
        assert not re.search(r"^\s+retries\s*:", path.read_text(), re.M), path


def test_one_gpu_is_shared_unless_it_is_said_otherwise(tmp_path):
    target = "results/tiny/state/preflight/downloads.json"
    alone = limits(run(tmp_path / "a", target).stdout)
    assert (alone["gpu"], alone["downloads"], alone["youtube"]) == ("1", "3", "1")
    told = run(tmp_path / "b", target, options=["--resources", "gpu=5"]).stdout
    assert limits(told)["gpu"] == "5" and limits(told)["downloads"] == "3"
    for key in ("gpus_per_job", "gpus_per_training"):
        four = run(tmp_path / key, target, changes={"runtime": {key: 4}}).stdout
        assert limits(four)["gpu"] == "4"
