"""The last lines of a workflow that failed, from its jobs' logs and Snakemake's own."""

from pathlib import Path

import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.failures import Failed, last_words, summary
from audioldm_bench.job import job

SNAKEMAKE = """RuleException:
CalledProcessError in file "workflow/rules/training.smk", line 3:
Command 'set -euo pipefail;  python x.train.py' {first}.
[Thu Nov 26 00:51:07 2026]
Error in rule train:
    message: {message}
    jobid: 7
    input: a
RuleException:
Command 'set -euo pipefail;  python x.sample.py' returned non-zero exit status 3.
Error in rule sample:
    message: None
    jobid: 17
"""
KILLED = "died with <Signals.SIGKILL: 9>"


def failed(log: Path | None, rule: str = "train", jobid: int = 7) -> Failed:
    return Failed(rule, "dataset=esc50", jobid, log)


def test_what_a_job_says_last_is_found_again(tmp_path):
    log = tmp_path / "train" / "a.log"
    with pytest.raises(SystemExit), job(log, 1):
        raise UserError("three mistakes:\n  - one\n  - two")
    assert last_words(log) == "error: three mistakes:\n  - one\n  - two"
    with pytest.raises(SystemExit), job(log, 1):
        raise ZeroDivisionError("by zero")
    assert last_words(log) == "error: ZeroDivisionError: by zero"
    with job(log, 1):
        pass
    assert last_words(log) is None and last_words(tmp_path / "absent.log") is None


def test_a_long_list_of_mistakes_is_cut_and_says_so(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("error: old\nerror: many\n" + "  - one\n" * 30)
    words = last_words(log).splitlines()
    assert words[0] == "error: many" and words[-1] == "  ... 19 lines more in the log"


@pytest.mark.parametrize(
    ("first", "message", "sentence"),
    [
        (KILLED, "None", "killed (SIGKILL), perhaps out of memory"),
        ("returned non-zero exit status 137", "None", "killed (SIGKILL), perhaps out of memory"),
        ("x", "SLURM status is: 'OUT_OF_MEMORY'", "killed (OUT_OF_MEMORY), perhaps out of memory"),
        (
            "x",
            "SLURM-job '3' failed, SLURM status is: 'TIMEOUT'.\nMore",
            "ended from outside (TIME",
        ),
        ("died with <Signals.SIGTERM: 15>", "None", "ended from outside (SIGTERM)"),
        ("x", "None", "ended without an error in its log; see what Snakemake says"),
    ],
)
def test_a_job_that_said_nothing(tmp_path, first, message, sentence):
    log = tmp_path / "a.log"
    log.write_text("[train esc50] 3/9 steps 33%\n")
    own = SNAKEMAKE.format(first=first, message=message)
    *_, name, where, error = summary([failed(log)], own).splitlines()
    assert (name, where) == ("train (dataset=esc50)", f"log: {log}")
    assert error.startswith(f"error: {sentence}")


def test_several_jobs_come_in_their_order_each_with_its_own_end(tmp_path):
    own = SNAKEMAKE.format(first=KILLED, message="None")
    told = summary([failed(None, "sample", 17), failed(None)], own)
    assert told.splitlines()[1] == "2 jobs failed:"
    assert told.index("(SIGKILL)") < told.index("sample (") < told.index("(exit status 3)")
