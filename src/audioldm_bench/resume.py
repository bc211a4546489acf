"""The state that an interrupted job goes on from, outside of what its rule declares.

Snakemake deletes the declared outputs of a job that failed; what is kept here survives.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .errors import UserError
from .files import files_in, write_atomically


def _identity(value: object) -> object:
    """A value as JSON can hold it; paths as size and time of change of the files they name."""
    if isinstance(value, Path):
        if not value.exists():
            raise UserError(f"{value} is not there: run the step that makes it first")
        files = files_in(value) if value.is_dir() else [value]
        return [str(value), [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files]]
    if isinstance(value, dict):
        return {str(k): _identity(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_identity(v) for v in value]
    return value


def fingerprint(**values: object) -> str:
    """Names the work that these values determine, so that no other work's state is taken up."""
    text = json.dumps(_identity(values), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_MARKS = (".lock", ".fingerprint", ".finished")  # what is no state


def _content(folder: Path) -> list[Path]:
    return [item for item in folder.iterdir() if item.name not in _MARKS]


def _empty(folder: Path, but: Sequence[str]) -> None:
    for item in folder.iterdir():
        if item.name not in but:
            shutil.rmtree(item) if item.is_dir() else item.unlink()


@contextlib.contextmanager
def resume_state(folder: Path, fingerprint: str) -> Iterator[Path]:
    """The folder of one job's resume state, held by this process alone.

    A job whose Snakemake was killed may still be writing: we wait for it, then go on from what it
    left. State that belongs to other work (another fingerprint) is thrown away.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        waited = False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            print(
                f"waiting: another process is still at work in {folder}",
                file=sys.stderr,
                flush=True,
            )
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise UserError(
                f"{folder}: this file system has no file locks ({error.strerror}); mount it with"
                " them (Lustre: flock), or run the study on another"
            ) from None
        owner = folder / ".fingerprint"
        if not waited:
            (folder / ".finished").unlink(missing_ok=True)
        if not owner.exists() or owner.read_text() != fingerprint:
            if _content(folder):
                print(
                    f"{folder} is of other inputs or settings, or they were written again since:"
                    " starting anew",
                    file=sys.stderr,
                    flush=True,
                )
            _empty(folder, but=(".lock",))
            with write_atomically(owner) as draft:
                draft.write_text(fingerprint)
        yield folder


def clear_state(folder: Path) -> None:
    """Empties a finished job's resume state; to be called inside `resume_state`."""
    (Path(folder) / ".finished").touch()
    _empty(Path(folder), but=_MARKS)


def was_finished(folder: Path) -> bool:
    """Whether the process we waited for in `resume_state` has just finished the same work."""
    return (Path(folder) / ".finished").exists()
