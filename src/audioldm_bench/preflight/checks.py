"""The jobs of the target `preflight`: what the network says, what the GPU's machine says, and both
together with the disk."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .devices import DEVICES, Device, measured
from .disk import check_disk, existing
from .estimate import estimate
from .network import check_downloads, needed
from .results import Result, conclude, plan_table, read_results, results_table, write_results
from .rows import Row


def preflight_downloads(config: Mapping, out_path: Path, base: Path = Path()) -> None:
    """Writes what the study still has to download and whether it answers."""
    from .machine import check_commands, check_lists

    free = shutil.disk_usage(existing(base / "resources")).free
    results = [*check_commands(config, base), *check_lists(config, base)]
    write_results(out_path, results + check_downloads(needed(config, base), free))


def preflight_machine(
    config: Mapping,
    out_path: Path,
    *,
    threads: int,
    largest_memory: int,
    largest_rule: str,
    base: Path = Path(),
) -> None:
    """Writes the stages' hours, disk and GPU memory, and whether this machine has what they need.

    `largest_memory` in MB: the most that a rule asks for, and which.
    """
    import torch

    from .clips import study_clips
    from .gpu import Cuda, check_gpu
    from .machine import check_formats, check_memory, check_offline, check_threads, cores, memory
    from .parts import costs

    torch.set_num_threads(threads)
    device, origin = _device(config, threads)
    rows = estimate(config, costs(config, base), device, study_clips(config, base))
    needs = {row.stage: row.gpu_memory for row in rows if row.stage in ("training", "sampling")}
    results = [
        *check_gpu(config, needs, Cuda()),
        check_memory(largest_memory, largest_rule, memory()),
        check_threads(config["runtime"]["threads"], cores()),
        *check_formats(),
        check_offline(),
    ]
    write_results(out_path, results, rows, f"{device.name} ({origin})")


def _device(config: Mapping, threads: int) -> tuple[Device, str]:
    """What the jobs will run on, and where its speed is from."""
    import torch

    from ..pretrained import device

    if not config["runtime"]["gpus_per_job"]:
        return measured(torch.device("cpu"), f"this CPU, {threads} threads"), "measured now"
    where = device()
    if where.type == "cpu":
        return DEVICES[0], "assumed from its data sheet, for no GPU was found here"
    return measured(where, torch.cuda.get_device_name(where)), "measured now"


def preflight(paths: Sequence[Path], base: Path = Path()) -> None:
    """Prints all that was found, with the disk. UserError that lists the problems."""
    results: list[Result] = []
    rows: list[Row] = []
    device = ""
    for path in paths:
        more, stages, where = read_results(path)
        results, rows, device = results + more, rows + stages, device or where
    results += check_disk(rows, base)
    print(f"{plan_table(rows, device)}\n\n{results_table(results)}\n", file=sys.stderr)
    print(conclude(results), file=sys.stderr, flush=True)
