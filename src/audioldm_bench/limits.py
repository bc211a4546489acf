"""What the two long stages ask of a cluster: memory and minutes, by the size of the model.

Memory was measured on a CPU, minutes are estimates for a slow GPU. A job that meets its limit goes
on from its state: a limit that is too short costs a restart, one too long a place in the queue.
"""

from __future__ import annotations

from collections.abc import Mapping

from .published import size_of

PARAMETERS = {"s": 185e6, "m": 416e6, "l": 739e6}  # of the UNet
LEAST = 20_000  # MB; what S and M were measured with has room in it [benchmarks/RESULTS.md]
# Bytes a parameter of a segment that goes on after a kill: five copies and the state that it loads;
# activations of a clip; the libraries. [benchmarks/RESULTS.md]
RESUMED = 24
ACTIVATIONS = {"s": 450, "m": 600, "l": 850}  # MB
LIBRARIES = 400  # MB
# Of each further process of a training, which has a GPU of its own: bytes a parameter of the state
# that it loads, and CUDA's own. [assumed]
STATE, CUDA = 16, 2_000  # MB
SPARE = 1.2
# An RTX 3090, the slowest card of docs/paper-run.md: s of a training step of 8 clips in S, s of a
# clip of 200 steps and 3 candidates in S, and how many times as long the larger models take.
STEP, CLIP = 0.24, 8.8
TIMES = {"s": 1.0, "m": 2.0, "l": 3.4}
CLIPS = 2_034  # of the largest evaluation set, AudioSet's
DAY = 1_440  # min; more than that few sites give
TRAINED = {"train": 720, "sample": 480}  # min; a study's own models, of any size


def _size(config: Mapping) -> str | None:
    """s, m or l; None for a study's own model."""
    models = config["models"]
    return size_of(models["published"]["checkpoint"]) if models["source"] != "trained" else None


def training_gpus(config: Mapping) -> int:
    """GPUs of a training of the diffusion model; 0: it is made on the CPU."""
    runtime = config["runtime"]
    own = runtime["gpus_per_training"]
    return runtime["gpus_per_job"] if own is None else own


def most_gpus(config: Mapping) -> int:
    """GPUs of the job that asks for the most."""
    return max(config["runtime"]["gpus_per_job"], training_gpus(config))


def training_memory(config: Mapping) -> int:
    """MB of a training segment; as if on the CPU, a GPU's needs less of the host."""
    size = _size(config)
    if size is None:
        return LEAST
    clips = config["training"]["batch_size"] * ACTIVATIONS[size]
    need = RESUMED * PARAMETERS[size] / 1e6 + clips + LIBRARIES
    others = max(1, training_gpus(config)) - 1
    need += others * (STATE * PARAMETERS[size] / 1e6 + CUDA)
    return max(LEAST, round(need * SPARE))


def training_minutes(config: Mapping) -> int:
    """Of a segment: three times the estimate."""
    training = config["training"]
    clips = training["batch_size"] * training["accumulate"]
    steps = training["checkpoint_every"] * clips / 8
    return _minutes(config, "train", 3 * steps * STEP, training_gpus(config))


def sampling_minutes(config: Mapping) -> int:
    """Of the largest evaluation set: half as much again as the estimate."""
    sampling = config["sampling"]
    share = sampling["steps"] / 200 * sampling["candidates"] / 3
    seconds = 1.5 * CLIPS * CLIP * share
    return _minutes(config, "sample", seconds, config["runtime"]["gpus_per_job"])


def _minutes(config: Mapping, stage: str, seconds: float, gpus: int) -> int:
    size = _size(config)
    if size is None:
        return TRAINED[stage]
    if not gpus:
        return DAY
    return min(DAY, max(60, round(seconds * TIMES[size] / 60)))
