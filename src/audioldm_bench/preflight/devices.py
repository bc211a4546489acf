"""How fast a device does what was counted: known GPUs by their data sheets, this one by a trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .counting import Cost

if TYPE_CHECKING:
    import torch

# Shares of the data sheets' peaks that the networks of a study are expected to reach: [assumed]
FP32_SHARE, BF16_SHARE, BANDWIDTH_SHARE = 0.5, 0.35, 0.7
LAUNCH = 20e-6  # s that Python and the driver need an operation [assumed]
_LAUNCH_OF_ADD = 3  # a network's operation takes that many times the launch of a lone one [assumed]


@dataclass(frozen=True)
class Device:
    """Sustained rates: FLOP/s in fp32 and under bf16 autocast, bytes/s, s to start an operation."""

    name: str
    fp32: float
    bf16: float
    bandwidth: float
    launch: float


def by_data_sheet(name: str, fp32: float, bf16: float, bandwidth: float) -> Device:
    """Peaks in TFLOP/s (fp32 without TF32, dense bf16) and GB/s."""
    return Device(
        name,
        fp32 * 1e12 * FP32_SHARE,
        bf16 * 1e12 * BF16_SHARE,
        bandwidth * 1e9 * BANDWIDTH_SHARE,
        LAUNCH,
    )


DEVICES = [  # NVIDIA's data sheets
    by_data_sheet("RTX 3090", 35.6, 71.0, 936),
    by_data_sheet("RTX 4090", 82.6, 165.2, 1008),
    by_data_sheet("A100 40 GB", 19.5, 312.0, 1555),
    by_data_sheet("H100 SXM", 66.9, 989.0, 3350),
]


def seconds(cost: Cost, device: Device, precision: str = "fp32") -> float:
    """s of one pass: each operation takes as long as its FLOPs or its bytes need, whichever is
    more; all together at least the time to start them."""
    rate = device.bf16 if precision == "bf16" else device.fp32
    work = sum(max(f / rate, size / device.bandwidth) for f, size in cost.operations)
    return max(work, len(cost.operations) * device.launch)


def measured(
    where: torch.device, name: str, clock: Callable[[], float] = time.perf_counter
) -> Device:
    """The device `where` by about a second's trial: products of matrices, convolutions like those
    of the UNet, copies, and operations so small that only their start counts."""
    import torch

    size = 4096 if where.type == "cuda" else 768
    batch, bulk = (32, 1 << 28) if where.type == "cuda" else (2, 1 << 24)
    rates = {}
    for dtype in (torch.float32, torch.bfloat16):
        square = torch.ones(size, size, device=where, dtype=dtype)
        image = torch.ones(batch, 256, 128, 8, device=where, dtype=dtype)
        kernel = torch.ones(256, 256, 3, 3, device=where, dtype=dtype)

        def multiply(square=square) -> None:
            square @ square

        def convolve(image=image, kernel=kernel) -> None:
            torch.nn.functional.conv2d(image, kernel, padding=1)

        work = {multiply: 2 * size**3, convolve: 2 * 256 * 256 * 9 * image[:, 0].numel()}
        rates[dtype] = min(flops / _shortest(run, where, clock) for run, flops in work.items())
    block, small = torch.ones(bulk // 4, device=where), torch.ones(8, device=where)
    copied = _shortest(lambda: block.clone(), where, clock)
    started = _shortest(lambda: [small.add_(1) for _ in range(200)], where, clock) / 200
    return Device(
        name,
        rates[torch.float32],
        rates[torch.bfloat16],
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
