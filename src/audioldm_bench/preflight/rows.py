"""What the estimate is made of: a row a stage, and what its hours and bytes are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..limits import training_gpus
from . import plan
from .clips import Clips
from .devices import Device, seconds
from .parts import Costs

START = {True: 10.0, False: 3.0}  # s until a job with and without torch is at work [assumed]
DECODE = 1e-3  # s a second of sound to read and resample, one CPU core [measured]
CONTEXT = 0.8e9  # bytes of GPU memory that CUDA, cuDNN and cuBLAS take [assumed]
SPARE = 1.1  # torch's allocator holds more than is in use [assumed]


@dataclass(frozen=True)
class Place:
    """What a stage leaves at a path below the folder that the study runs in."""

    path: str
    bytes: int


@dataclass(frozen=True)
class Row:
    """One stage. Hours with one job at a time; None: not counted."""

    stage: str
    jobs: int
    amount: str
    hours: float | None
    places: tuple[Place, ...] = ()
    temporary: int = 0  # bytes beside what it leaves, at most
    gpu_memory: int = 0  # bytes; 0: it uses none

    @property
    def disk(self) -> int:
        return sum(place.bytes for place in self.places)


@dataclass(frozen=True)
class Estimate:
    """All that the rows are computed from."""

    config: Mapping
    costs: Costs
    device: Device
    clips: Mapping[str, Clips]

    @property
    def study(self) -> str:
        return f"results/{self.config['study']}"

    def pass_of(self, part: str, precision: str = "fp32") -> float:
        """s of one pass of a part at its batch size; the UNet's are replayed on a GPU."""
        each = self.config["runtime"]["gpus_per_job"]
        replayed = {"train": training_gpus(self.config), "denoise": each}.get(part, 0) > 0
        return seconds(getattr(self.costs, part), self.device, precision, replayed=replayed)

    def jobs(self, *rules: str) -> int:
        return sum(plan.jobs(self.config).get(rule, 0) for rule in rules)

    def starts(self, *rules: str, torch: bool = True) -> float:
        return self.jobs(*rules) * START[torch]

    def memory(self, parameters: float, peak: int) -> int:
        """Bytes on the GPU: `parameters` are bytes already. 0 in a study on the CPU."""
        if not self.config["runtime"]["gpus_per_job"]:
            return 0
        return round((parameters + peak) * SPARE + CONTEXT)
