"""What every job of the workflow does first and last: its log, its threads, its last words."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from .errors import UserError
from .memory import reuse_memory
from .progress import Progress

WORKFLOW = "AUDIOLDM_BENCH_WORKFLOW"  # environment variable: the process id of Snakemake


def give_package_to_jobs() -> None:
    """Lets the jobs that this process starts import the package from where it stands."""
    places = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, places))
    os.environ[WORKFLOW] = str(os.getpid())


def _lives(pid: int) -> bool:
    """Whether the process runs; one that died and was not yet reaped does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except OSError:  # another user's, or a system without /proc
        return True
    return state != "Z"


def end_with_workflow() -> None:
    """Asks this job to stop when the Snakemake that started it is gone, killed for one.

    Snakemake would make its outputs again in any case; training saves its state first (loop.py).
    """
    pid = int(os.environ.get(WORKFLOW, "0"))

    def watch() -> None:
        while _lives(pid):
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    if pid:
        threading.Thread(target=watch, daemon=True).start()


class _Tee:
    """Writes to the terminal and to the log."""

    def __init__(self, terminal: TextIO, log: TextIO):
        self.terminal, self.log = terminal, log  # progress.py: a bar on one, lines in the other
        self._streams = (terminal, log)

    def write(self, text: str) -> int:
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        for stream in self._streams:
            stream.flush()

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._streams[0].fileno()


def _prepare(threads: int, gpus: int) -> None:
    """Before numpy, torch and transformers are imported: they read these once."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)  # the bits of a sum depend on it
    if not gpus and not os.environ.get("SLURM_JOB_GPUS"):  # asked for as gres
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if not gpus:
        reuse_memory()
    quiet_libraries()


def _say_if_no_gpu() -> None:
    """Of a job that was given one. It goes on; after `_prepare`, and all such jobs import torch."""
    import torch

    if not torch.cuda.is_available():
        print(
            "warning: a GPU was asked for (runtime.gpus_per_job), but torch finds none: this job"
            " runs on the CPU. `snakemake preflight` says why",
            file=sys.stderr,
        )


def quiet_libraries() -> None:
    """Libraries then say nothing that a user cannot act on. Before they are imported."""
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # sums in the same order every time
    os.environ["HF_HUB_OFFLINE"] = "1"  # every model is a folder on disk by now
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # one progress line a job, our own
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(name, "error")
    warnings.simplefilter("ignore")  # they are for developers: see the tests


@contextlib.contextmanager
def job(log: Path | str, threads: int, gpus: int = 0) -> Iterator[None]:
    """Runs a job's body: stderr goes to the terminal and to `log`, a user's mistake ends it with a
    sentence, any other error with a traceback in the log and its last line on the terminal. CUDA
    is hidden from a job that was given no GPU."""
    _prepare(threads, gpus)
    end_with_workflow()
    before, Progress.job = Progress.job, f"{Path(log).parent.name} {Path(log).stem}"
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    terminal = sys.stderr
    with open(log, "w", encoding="utf-8", errors="backslashreplace") as file:  # as stderr
        sys.stderr = _Tee(terminal, file)
        try:
            if gpus:
                _say_if_no_gpu()
            yield
        except UserError as mistake:
            print(f"error: {mistake}", file=sys.stderr)
            raise SystemExit(1) from None
        except KeyboardInterrupt:
            print("stopped by Ctrl-C", file=sys.stderr)
            raise SystemExit(128 + signal.SIGINT) from None
        except Exception as error:
            traceback.print_exc(file=file)
            sentence = f"error: {type(error).__name__}: {error}"
            print(sentence, file=file)  # failures.py looks for it
            print(f"{sentence} (traceback: {log})", file=terminal)
            raise SystemExit(1) from None
        finally:
            sys.stderr, Progress.job = terminal, before
