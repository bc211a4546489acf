"""What a job of the workflow does first and last."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from audioldm_bench.errors import UserError
from audioldm_bench.job import WORKFLOW, job
from audioldm_bench.progress import Progress


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Leaves no trace of a job in this process."""
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "HF_HUB_DISABLE_PROGRESS_BARS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.delenv(WORKFLOW, raising=False)
    monkeypatch.delenv("SLURM_JOB_GPUS", raising=False)
    yield
    assert Progress.job is None


def test_stderr_goes_to_the_terminal_and_to_the_log(tmp_path, capfd):
    with job(tmp_path / "train" / "esc50.log", 3):
        Progress("anything", 2, every=0).update(1, loss=0.5)
    line = "[train esc50] 1/2 clips 50% loss=0.5\n"
    assert capfd.readouterr().err == line == (tmp_path / "train" / "esc50.log").read_text()
    assert os.environ["OMP_NUM_THREADS"] == "3"


def test_a_name_that_is_no_text_ends_no_job(tmp_path):
    with job(tmp_path / "a.log", 1):
        print("set aside: na\u00efve \udcff.wav", file=sys.stderr)
    text = (tmp_path / "a.log").read_text(encoding="utf-8")
    assert text == "set aside: na\u00efve \\udcff.wav\n"


def test_cuda_is_hidden_from_a_job_without_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    with job(tmp_path / "a.log", 1, gpus=1):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    with job(tmp_path / "a.log", 1, gpus=0):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(
    ("gpus", "there", "warned"), [(1, False, True), (1, True, False), (0, False, False)]
)
def test_a_job_that_finds_no_gpu_says_that_it_is_on_the_cpu(
    tmp_path, monkeypatch, capfd, gpus, there, warned
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    with job(tmp_path / "a.log", 1, gpus=gpus):
        pass
    said = capfd.readouterr().err
    assert ("this job runs on the CPU" in said) == warned
    assert said == (tmp_path / "a.log").read_text()


def test_slurms_gpus_that_were_asked_for_as_gres_are_not_hidden(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("SLURM_JOB_GPUS", "1")
    with job(tmp_path / "a.log", 1, gpus=0):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"


def test_a_users_mistake_ends_in_a_sentence(tmp_path, capfd):
    with pytest.raises(SystemExit) as status, job(tmp_path / "a.log", 1):
        raise UserError("datasets.x: no sound there; set `folder`")
    assert status.value.code == 1
    said = capfd.readouterr().err
    assert said == "error: datasets.x: no sound there; set `folder`\n"
    assert "Traceback" not in (tmp_path / "a.log").read_text()


def test_an_interruption_is_a_sentence(tmp_path, capfd):
    with pytest.raises(SystemExit) as status, job(tmp_path / "a.log", 1):
        raise KeyboardInterrupt
    assert status.value.code == 130
    assert capfd.readouterr().err == "stopped by Ctrl-C\n"


def test_any_other_error_ends_in_its_last_line_and_the_logs_name(tmp_path, capfd):
    with pytest.raises(SystemExit), job(tmp_path / "a.log", 1):
        raise ZeroDivisionError("by zero")
    said = capfd.readouterr().err
    assert said == f"error: ZeroDivisionError: by zero (traceback: {tmp_path / 'a.log'})\n"
    log = (tmp_path / "a.log").read_text()
    assert "Traceback" in log and log.endswith("\nerror: ZeroDivisionError: by zero\n")


def test_a_job_stops_when_its_snakemake_is_gone(tmp_path):
    workflow = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom audioldm_bench.job import job\n"
        "with job(Path(sys.argv[1]) / 'a.log', 1):\n"
        "    print('up', flush=True)\n    time.sleep(60)\n"
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {WORKFLOW: str(workflow.pid), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert worker.stdout.readline() == b"up\n"
        time.sleep(1.2)
        assert worker.poll() is None
        workflow.kill()  # not waited for: it is a zombie now, as under a careless parent
        assert worker.wait(10) == -signal.SIGTERM
    finally:
        worker.kill()
        workflow.wait()
        worker.stdout.close()
