"""How fast a device does what was counted: known GPUs by their data sheets, this one by a trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .counting import Cost

if TYPE_CHECKING:
    import torch

# Shares of the data sheets' peaks that the networks of a study reach [measured on an H100,
# benchmarks/RESULTS.md]; of other GPUs they are assumed
FP32_SHARE, TF32_SHARE, HALF_SHARE, BANDWIDTH_SHARE = 0.45, 0.3, 0.25, 0.5
LAUNCH = 20e-6  # s that Python and the driver need an operation [assumed]
REPLAY = 2e-6  # s an operation of a CUDA graph takes at least [assumed]
_LAUNCH_OF_ADD = 3  # a network's operation takes that many times the launch of a lone one [assumed]


@dataclass(frozen=True)
class Device:
    """Sustained rates: FLOP/s in fp32, with TF32 products and in half precision (bf16, fp16),
    bytes/s, s to start an operation."""

    name: str
    fp32: float
    tf32: float
    half: float
    bandwidth: float
    launch: float


def by_data_sheet(name: str, fp32: float, tf32: float, half: float, bandwidth: float) -> Device:
    """Peaks in TFLOP/s (fp32 without TF32, dense TF32 and bf16) and GB/s."""
    return Device(
        name,
        fp32 * 1e12 * FP32_SHARE,
        max(fp32 * FP32_SHARE, tf32 * TF32_SHARE) * 1e12,
        max(fp32 * FP32_SHARE, half * HALF_SHARE) * 1e12,
        bandwidth * 1e9 * BANDWIDTH_SHARE,
        LAUNCH,
    )


DEVICES = [  # NVIDIA's data sheets
    by_data_sheet("RTX 3090", 35.6, 35.6, 71.0, 936),
    by_data_sheet("RTX 4090", 82.6, 82.6, 165.2, 1008),
    by_data_sheet("A100 40 GB", 19.5, 156.0, 312.0, 1555),
    by_data_sheet("H100 SXM", 66.9, 494.0, 989.0, 3350),
]


def seconds(
    cost: Cost, device: Device, precision: str = "fp32", *, replayed: bool = False
) -> float:
    """s of one pass: each operation takes as long as its FLOPs or its bytes need, whichever is
    more; all together at least the time to start them, from Python or (replayed) as a CUDA graph.
    """
    rates = {"fp32": device.fp32, "tf32": device.tf32, "bf16": device.half, "fp16": device.half}
    rate, launch = rates[precision], REPLAY if replayed else device.launch
    work = sum(max(f / rate, size / device.bandwidth) for f, size in cost.operations)
    return max(work, len(cost.operations) * launch)


def measured(
    where: torch.device, name: str, clock: Callable[[], float] = time.perf_counter
) -> Device:
    """The device `where` by about a second's trial: products of matrices, convolutions like those
    of the UNet, copies, and operations so small that only their start counts."""
    import torch

    from ..diffusion.precision import matrix_format

    size = 4096 if where.type == "cuda" else 768
    batch, bulk = (32, 1 << 28) if where.type == "cuda" else (2, 1 << 24)
    rates = {}
    for precision in ("fp32", "tf32", "bf16"):
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        square = torch.ones(size, size, device=where, dtype=dtype)
        image = torch.ones(batch, 256, 128, 8, device=where, dtype=dtype)
        kernel = torch.ones(256, 256, 3, 3, device=where, dtype=dtype)

        def multiply(square=square) -> None:
            square @ square

        def convolve(image=image, kernel=kernel) -> None:
            torch.nn.functional.conv2d(image, kernel, padding=1)

        work = {multiply: 2 * size**3, convolve: 2 * 256 * 256 * 9 * image[:, 0].numel()}
        with matrix_format(precision):
            rates[precision] = min(
                flops / _shortest(run, where, clock) for run, flops in work.items()
            )
    block, small = torch.ones(bulk // 4, device=where), torch.ones(8, device=where)
    copied = _shortest(lambda: block.clone(), where, clock)
    started = _shortest(lambda: [small.add_(1) for _ in range(200)], where, clock) / 200
    return Device(
        name,
        rates["fp32"],
        rates["tf32"],
        rates["bf16"],
        2 * bulk / copied,
        started * _LAUNCH_OF_ADD,
    )


def _shortest(
    run: Callable[[], object], where: torch.device, clock: Callable[[], float], tries: int = 4
) -> float:
    """s of the quickest of some tries; the first warms up."""
    import torch

    wait = torch.cuda.synchronize if where.type == "cuda" else (lambda: None)
    found = []
    for _ in range(tries):
        wait()
        start = clock()
        run()
        wait()
        found.append(clock() - start)
    return min(found[1:])
