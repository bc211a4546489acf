"""One training by several processes of one machine, each with a GPU or with CPU threads of its own.

The job is process 0 and starts the others. All hold the same weights and draw the same batch, noise
and dropout; each takes its share of the batch, and gradients are averaged before the step. So the
number of processes changes results by rounding alone. accelerate joins the processes (NCCL between
GPUs, gloo between CPUs); a wrapped model is not needed where gradients are averaged once a step.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, TypeVar

import torch
import torch.distributed as dist

from ..errors import UserError

Value = TypeVar("Value")
BUCKET = 1 << 24  # elements averaged at once: few messages, 64 MB
PATIENCE = timedelta(hours=2)  # for the others; one that died is noticed at once
GRACE = 10.0  # s for this process to fail by itself when another did
MISTAKE = 3  # exit status of a process that met a UserError
HOST = "127.0.0.1"
PACKAGE = Path(__file__).parents[2]


@dataclass(frozen=True)
class Team:
    """This process's place among those that train together; `Team()` is one alone."""

    rank: int = 0
    size: int = 1

    @property
    def main(self) -> bool:
        """Whether this is the process that writes: files, state, progress."""
        return self.rank == 0

    def share(self, *rows: torch.Tensor) -> list[torch.Tensor]:
        """This process's rows (B / size, ...) of each tensor (B, ...). UserError if B is odd."""
        count = len(rows[0])
        if count % self.size:
            raise UserError(
                f"training.batch_size: {count} clips cannot be shared by {self.size} processes, one"
                f" a GPU of the job; make it a multiple of {self.size}, or give the job fewer"
            )
        return [tensor.chunk(self.size)[self.rank] for tensor in rows]

    @torch.no_grad()
    def average(self, tensors: Iterable[torch.Tensor]) -> None:
        """Puts the mean over all processes, the same bits in each, into tensors of one type."""
        if self.size == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            dist.all_reduce(flat)
            parts = flat.div_(self.size).split([tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view_as(tensor))

    def any_of(self, number: int) -> int:
        """The largest of the processes' numbers: of signals, 0 for none."""
        if self.size == 1:
            return number
        found = torch.tensor(number, device=_device())
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return int(found)

    def tell(self, value: Value) -> Value:
        """The main process's value, in every process."""
        if self.size == 1:
            return value
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]


ALONE = Team()


def _device() -> torch.device:
    from accelerate import PartialState

    return PartialState().device


def _buckets(tensors: Iterable[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    bucket: list[torch.Tensor] = []
    for tensor in tensors:
        if bucket and sum(t.numel() for t in bucket) + tensor.numel() > BUCKET:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


# ------------------------------------------------------------------------------ the processes
@contextlib.contextmanager
def _joined(rank: int, size: int, store: dist.TCPStore) -> Iterator[Team]:
    """A member of the team while the block runs."""
    from accelerate import PartialState

    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    before = {name: os.environ.get(name) for name in names}
    values = (rank, rank, size, size, HOST, store.port)
    os.environ.update({name: str(value) for name, value in zip(names, values, strict=True)})
    state = PartialState(
        cpu=not torch.cuda.is_available(),
        store=store,
        rank=rank,
        world_size=size,
        timeout=PATIENCE,
    )
    try:
        yield Team(rank, size)
    finally:
        state.destroy_process_group()
        PartialState._reset_state()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def started(size: int, function: str, arguments: Mapping, threads: int) -> Iterator[Team]:
    """The main process's team; the other processes call `function(team, **arguments)` meanwhile.

    `function`: "module:name"; `threads`: of the CPU, for all together. UserError where the machine
    shows fewer GPUs. When the block fails, or a process dies, all end.
    """
    if size == 1:
        yield ALONE
        return
    if torch.cuda.is_available() and torch.cuda.device_count() < size:
        raise UserError(
            f"a training of {size} processes needs as many GPUs; {torch.cuda.device_count()} can be"
            " seen: ask for fewer (runtime.gpus_per_training or gpus_per_job)"
        )
    torch.set_num_threads(max(1, threads // size))
    store = dist.TCPStore(HOST, 0, is_master=True, wait_for_workers=False)
    work = {"size": size, "port": store.port, "function": function, "arguments": dict(arguments)}
    others = [_start(max(1, threads // size)) for _ in range(1, size)]
    over = threading.Event()
    threading.Thread(target=_watch, args=(others, over), daemon=True).start()
    try:
        _hand_out(work, others)
        with _joined(0, size, store) as team, _blaming(others):
            yield team
            team.any_of(0)  # nobody leaves while another still needs its answer
    finally:
        over.set()
        _end(others)
        torch.set_num_threads(threads)  # this process is alone again


def _start(threads: int) -> subprocess.Popen:
    path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", f"from {__name__} import take_part; take_part()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ
        | {"PYTHONPATH": path, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
    )


def _hand_out(work: Mapping, others: list[subprocess.Popen]) -> None:
    """Gives each its work; raises what one died of where that was before it had read it."""
    try:
        for rank, process in enumerate(others, 1):
            pickle.dump({**work, "rank": rank}, process.stdin)
            process.stdin.flush()
    except BrokenPipeError as error:
        raise (_first_cause(others) or error) from None


def _end(others: list[subprocess.Popen]) -> None:
    """They have done all they had to, or this process failed; no harm where they have ended."""
    for process in others:
        process.kill()
        process.wait()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()


@contextlib.contextmanager
def _blaming(others: list[subprocess.Popen]) -> Iterator[None]:
    """Raises what another process died of where that ended the block; the others end with it,
    before they notice that this one has left."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        cause = _first_cause(others)
        if cause is None:
            raise
        raise cause from error
    finally:
        _end(others)


def _first_cause(others: list[subprocess.Popen]) -> Exception | None:
    """What another process died of."""
    for process in others:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if status := process.wait(1.0):
                return (UserError if status == MISTAKE else RuntimeError)(_words(process))
    return None


def _words(process: subprocess.Popen) -> str:
    said = process.stdout.read().decode(errors="replace").strip()
    return said or f"a training process ended with status {process.returncode}"


def _watch(others: list[subprocess.Popen], over: threading.Event) -> None:
    """Ends this process when another has died and it would wait for that one's GPU for ever."""
    while not over.wait(0.5):
        dead = [process for process in others if process.poll()]
        if dead and not over.wait(GRACE):
            print(f"error: {_words(dead[0])}", file=sys.stderr, flush=True)
            os._exit(1)


# ------------------------------------------------------------------------------ in the others
def _leave_with_main(pipe: BinaryIO) -> None:
    """Ends this process when the main one has closed the pipe, or was killed."""

    def watch() -> None:
        pipe.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def take_part() -> None:
    """What a process runs that `started` started: its work comes through stdin, an error's last
    words leave through stdout."""
    work = pickle.load(sys.stdin.buffer)
    _leave_with_main(sys.stdin.buffer)
    words = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is not meant for the pipe
    module, _, name = work["function"].partition(":")
    store = dist.TCPStore(HOST, work["port"], is_master=False)
    with _joined(work["rank"], work["size"], store) as team, contextlib.suppress(SystemExit):
        try:  # SystemExit: all were asked to stop, and have
            getattr(importlib.import_module(module), name)(team, **work["arguments"])
            team.any_of(0)
        except Exception as error:
            mistake = isinstance(error, UserError)
            if not mistake:
                traceback.print_exc()
            print(error if mistake else f"{type(error).__name__}: {error}", file=words, flush=True)
            os._exit(MISTAKE if mistake else 1)
