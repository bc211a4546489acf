"""`snakemake preflight`, run for real; the plan of the paper's study and of the pilot."""

import sys

import pytest
import yaml
from study import ROOT, planned, run

sys.path.insert(0, str(ROOT / "tests"))
from audioldm_bench.preflight import plan  # noqa: E402
from config_cases import DEFAULT, MINI, merged  # noqa: E402

PILOT = ROOT / "config" / "pilot.yaml"
RULES = {"preflight_downloads", "preflight_gpu", "preflight"}


def test_preflight_runs_anew_each_time_it_is_asked_for(tmp_path):
    first = run(tmp_path, "preflight")
    assert "no problem" in first.stdout and "training" in first.stdout
    assert "GB of RAM; the most that a rule asks for is 20,000 MB" in first.stdout
    assert set(planned(tmp_path, "preflight")) == RULES
    answers = [
        tmp_path / f"results/tiny/state/preflight/{n}.json" for n in ("downloads", "machine")
    ]
    before = [path.stat().st_mtime_ns for path in answers]
    second = run(tmp_path, "preflight")
    assert "3 of 3 steps" in second.stdout and "no problem" in second.stdout
    assert all(p.stat().st_mtime_ns > then for p, then in zip(answers, before, strict=True))


def test_a_problem_fails_and_the_next_time_looks_again(tmp_path):
    there = {"runtime": {"gpus_per_job": 1}}
    done = run(tmp_path, "preflight", changes=there, check=False)
    if "torch for CUDA" in done.stdout and "no problem" in done.stdout:
        pytest.skip("this machine has a GPU")
    assert done.returncode != 0
    assert "error: preflight found" in done.stdout and "runtime.gpus_per_job to 0" in done.stdout
    assert "Traceback" not in done.stdout
    assert set(planned(tmp_path, "preflight")) == RULES
    assert "no problem" in run(tmp_path, "preflight").stdout


def test_nothing_of_the_study_depends_on_preflight(tmp_path):
    for configs in ((), (PILOT,), (ROOT / "config" / "mini.yaml",)):
        assert not {name for name in planned(tmp_path, "all", configs=configs) if "pref" in name}


@pytest.mark.parametrize("preset", ["config", "pilot", "mini"])
def test_the_estimate_knows_the_jobs_that_snakemake_plans(tmp_path, preset):
    """plan.py says what the rules say."""
    changes = {} if preset == "config" else MINI
    if preset == "pilot":
        changes = yaml.safe_load(PILOT.read_text())
    path = ROOT / f"config/{preset}.yaml"
    jobs = planned(tmp_path, "all", configs=() if preset == "config" else (path,))
    told = plan.jobs(merged(DEFAULT, changes))
    assert {rule: jobs.get(rule) for rule in told} == told
    others = {name for name in jobs if name not in told}
    own = {"train_clap", "train_component", "train_vae", "train_tokenizer", "pretrain_diffusion"}
    own |= {"synthesise_dataset", "import_checkpoint", "all"}
    assert not {name for name in others - own if not name.startswith("download_")}


def test_the_pilot_is_small_and_honest(tmp_path):
    config = merged(DEFAULT, yaml.safe_load(PILOT.read_text()))
    jobs = planned(tmp_path, "all", configs=(PILOT,))
    assert sum(jobs.values()) == 57 and jobs["train"] == 2 and jobs["sample"] == 4
    assert jobs["download_archive"] == 1 and "download_youtube" not in jobs
    assert config["datasets"]["esc50"]["split"]["kind"] == "fold"
    # one checkpoint a run: there is none to choose by what it scores
    assert plan.segments(config, "esc50") == 1
