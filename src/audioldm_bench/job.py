"""What every job of the workflow does first and last: its log, its threads, its last words."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from .errors import UserError
from .progress import Progress


def give_package_to_jobs() -> None:
    """Lets the jobs that this process starts import the package from where it stands."""
    places = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, places))


class _Tee:
    """Writes to the terminal and to the log."""

    def __init__(self, *streams):
        self._streams = streams

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


def _prepare(threads: int) -> None:
    """Before numpy, torch and transformers are imported: they read these once."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)  # the bits of a sum depend on it
    os.environ["HF_HUB_OFFLINE"] = "1"  # every model is a folder on disk by now
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"  # one progress line a job, our own
    for name in ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"):
        os.environ.setdefault(name, "error")


@contextlib.contextmanager
def job(log: Path | str, threads: int) -> Iterator[None]:
    """Runs a job's body: stderr goes to the terminal and to `log`, a user's mistake ends it with a
    sentence, any other error with a traceback in the log and its last line on the terminal."""
    _prepare(threads)
    Progress.job = f"{Path(log).parent.name} {Path(log).stem}"
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    terminal = sys.stderr
    with open(log, "w") as file:
        sys.stderr = _Tee(terminal, file)
        warnings.simplefilter("ignore")  # a library's warnings are for developers: see the tests
        try:
            yield
        except UserError as mistake:
            print(f"error: {mistake}", file=sys.stderr)
            raise SystemExit(1) from None
        except Exception as error:
            traceback.print_exc(file=file)
            print(f"error: {type(error).__name__}: {error} (traceback: {log})", file=terminal)
            raise SystemExit(1) from None
        finally:
            sys.stderr = terminal
