"""A training step from the cache against one that prepares its batch as the authors' code does.

    python benchmarks/training.py --size s [--steps 6] [--batch 2] [--condition audio]

Same clips, same model, same process: a step of each kind in turn. The authors' way has the
waveforms in memory, at 16 kHz, and computes log-mel, VAE and CLAP at every step; their reading and
resampling of files is left out. With a GPU, the gains of torch.compile, channels_last, fused AdamW
and foreach EMA follow, each switched on alone (--switches: also on the CPU).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from sizes import SIZES, Study, make_unet

from audioldm_bench import audio
from audioldm_bench.clap import load_clap
from audioldm_bench.diffusion.data import Batch, TrainingSet, scaling_factor
from audioldm_bench.diffusion.ema import EMA
from audioldm_bench.diffusion.noise import make_scheduler
from audioldm_bench.diffusion.optimizers import make_optimizer
from audioldm_bench.diffusion.trainer import Trainer
from audioldm_bench.diffusion.training import checked
from audioldm_bench.mel import LogMel
from audioldm_bench.pretrained import device
from audioldm_bench.store import Store
from audioldm_bench.vae import encode, load_vae, prepare

SWITCHES = ("torch.compile", "channels_last", "fused AdamW", "foreach EMA")
GOAL = {"cpu": 1.5, "cuda": 3.0}


class AuthorsWay:
    """Batches of the same clips in the same order, made of waveforms at every step [code]."""

    def __init__(self, study: Study, data: TrainingSet, condition: str):
        self._order, self._condition = data, condition
        config = study.config
        self._n_samples = round(config["audio"]["duration"] * config["audio"]["sample_rate"])
        self._vae, self._clap = load_vae(study.vae), load_clap(study.clap)
        self._mel = LogMel(config["audio"]["sample_rate"], **config["mel"]).to(self._vae.device)
        with Store(study.shard("audio", 0)) as store:
            self._waveforms = dict(store.iter("waveform"))

    def batch(self, step: int, seed: int, batch_size: int) -> Batch:
        """As TrainingSet.batch, without a cache."""
        ids = [self._order.ids[k] for k in self._order.indices(step, seed, batch_size)]
        sounds = [self._waveforms[i] for i in ids]
        ready = torch.stack([torch.from_numpy(prepare(s, self._n_samples)) for s in sounds])
        moments = encode(self._vae, self._mel(ready.to(self._vae.device)))
        if self._condition == "audio":
            vectors = self._clap.embed_audio([audio.normalise(s) for s in sounds])
        else:
            vectors = self._clap.embed_text([f"noise number {int(i[-5:])}" for i in ids])
        return Batch(ids, *(m.cpu() for m in moments), torch.from_numpy(vectors))


class LoopEMA(EMA):
    """The average moved tensor by tensor."""

    @torch.no_grad()
    def update(self) -> None:
        self.updates += 1
        weight = 1 - self.decay_of(self.updates)
        for average, parameter in zip(self._averages, self._parameters, strict=True):
            average.lerp_(parameter, weight)


def trainer_with(switches: Sequence[str], size: str, training: dict, **others) -> Trainer:
    """A trainer with these of SWITCHES on, the others off."""
    unet = make_unet(size).to(device()).train()
    if "channels_last" in switches:
        unet.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(unet, training)
    if "fused AdamW" not in switches:
        options = {"lr": training["learning_rate"], "weight_decay": training["weight_decay"]}
        optimizer = torch.optim.AdamW(unet.parameters(), **options, foreach=False, fused=False)
    ema = (EMA if "foreach EMA" in switches else LoopEMA)(unet, training["ema_decay"])
    if "torch.compile" in switches:
        unet = torch.compile(unet)
    return Trainer(unet, ema, optimizer, training=training, **others)


def seconds(work: Callable[[], object]) -> float:
    """Of `work`, to the end of what it left to the GPU."""
    begin = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def in_turn(kinds: dict[str, Callable[[int], object]], steps: int) -> dict[str, float]:
    """Median s of a step of each kind; one step of each first, which is not counted."""
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for step in range(steps + 1):
        for name, run in kinds.items():
            torch.manual_seed(step)
            found[name].append(seconds(lambda run=run, step=step: run(step)))
    return {name: statistics.median(times[1:]) for name, times in found.items()}


def against_authors(study: Study, data: TrainingSet, trainer: Trainer, wanted) -> None:
    sources = {"cache": data, "authors' way": AuthorsWay(study, data, wanted.condition)}
    losses: dict[str, float] = {}

    def step_from(name: str) -> Callable[[int], object]:
        def run(step: int) -> None:
            trainer.data = sources[name]
            losses[name] = trainer.step(step)["loss"]

        return run

    found = in_turn({name: step_from(name) for name in sources}, wanted.steps)
    ratio, goal = found["authors' way"] / found["cache"], GOAL[device().type]
    print("| batch from | s a step | steps/s |\n|---|---:|---:|")
    for name, time_of_step in found.items():
        print(f"| {name} | {time_of_step:.3f} | {1 / time_of_step:.3f} |")
    print(f"\nfrom the cache {ratio:.2f} times as fast (goal at size s: {goal})", flush=True)


def each_alone(size: str, steps: int, **options) -> None:
    print("\n| switched on alone | s a step without | with | gain |\n|---|---:|---:|---:|")
    for switch in SWITCHES:
        trainers = {"without": trainer_with([], size, **options)}
        trainers["with"] = trainer_with([switch], size, **options)
        found = in_turn({name: trainer.step for name, trainer in trainers.items()}, steps)
        gain = found["without"] / found["with"]
        print(
            f"| {switch} | {found['without']:.3f} | {found['with']:.3f} | {gain:.2f} |", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="s")
    parser.add_argument("--steps", type=int, default=6, help="of each kind")
    parser.add_argument("--batch", type=int, default=2, help="clips a step")
    parser.add_argument("--condition", choices=("audio", "text"), default="audio")
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--switches", action="store_true", help="measure them without a GPU too")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder), wanted.size)
        study.write(clips=2 * wanted.batch)
        study.resample(0)
        study.embed_audio(0)
        study.embed_text()
        study.encode(0)
        changes = {"batch_size": wanted.batch, "precision": wanted.precision, "warmup_steps": 0}
        training = checked(study.config["training"] | changes)
        conditions = study.shard({"audio": "clap", "text": "text"}[wanted.condition], 0)
        ids = [f"clip-{number:05d}" for number in range(2 * wanted.batch)]
        with TrainingSet([study.shard("latents", 0)], [conditions], ids) as data:
            options = {
                "training": training,
                "data": data,
                "unconditional": data.rows([0]).condition[0],
                "alpha_bar": make_scheduler(study.config["diffusion"]).alphas_cumprod,
                "scaling_factor": scaling_factor(study.vae),
                "seed": 0,
            }
            where = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
            print(
                f"size {wanted.size}, {wanted.batch} clips a step, {wanted.precision}, condition"
                f" {wanted.condition}, {wanted.threads} threads, {where}, torch"
                f" {torch.__version__}; medians of {wanted.steps} steps",
                flush=True,
            )
            trainer = trainer_with(["fused AdamW", "foreach EMA"], wanted.size, **options)
            against_authors(study, data, trainer, wanted)
            del trainer
            if wanted.switches or torch.cuda.is_available():
                each_alone(wanted.size, wanted.steps, **options)


if __name__ == "__main__":
    main()
