"""A training step from the cache against one that prepares its batch as the authors' code does.

    python benchmarks/training.py --size s [--steps 6] [--batch 2] [--condition audio]

Same clips, same model, same process: a step of each kind in turn. The authors' way has the
waveforms in memory, at 16 kHz, and computes log-mel, VAE and CLAP at every step; their reading and
resampling of files is left out. On a GPU its products are TF32 and its kernels and optimizer
torch's defaults, as theirs, and this project's other ways of a step follow: number formats, and
CUDA graph, fused AdamW, foreach EMA, channels_last and, with --compile, torch.compile, each alone
and together (--switches: on the CPU too).
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from sizes import SIZES, Study, as_in_a_job, make_unet, torch_as_it_comes

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

OURS = ("fused AdamW", "foreach EMA", "CUDA graph")  # what every training has
GOAL = {"cpu": 1.5, "cuda": 3.0}
AUTHORS = "authors' way"


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


def trainer_with(switches: Sequence[str], unet, training: dict, **others) -> Trainer:
    """A trainer of a copy of the UNet, with these switches on and the others off."""
    unet = copy.deepcopy(unet).to(device()).train()
    if "channels_last" in switches:
        unet.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(unet, training)
    if "fused AdamW" not in switches:
        options = {"lr": training["learning_rate"], "weight_decay": training["weight_decay"]}
        optimizer = torch.optim.AdamW(unet.parameters(), **options)
    ema = (EMA if "foreach EMA" in switches else LoopEMA)(unet, training["ema_decay"])
    if "torch.compile" in switches:
        unet.compile()
    replayed = "CUDA graph" in switches
    return Trainer(unet, ema, optimizer, training=training, replayed=replayed, **others)


def measured(work: Callable[[], object]) -> tuple[float, int]:
    """s of `work`, to the end of what it left to the GPU, and bytes that it took there."""
    before = 0
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    begin = time.perf_counter()
    work()
    if not torch.cuda.is_available():
        return time.perf_counter() - begin, 0
    torch.cuda.synchronize()
    return time.perf_counter() - begin, torch.cuda.max_memory_allocated() - before


class Way:
    """A way of making a step."""

    def __init__(self, trainer: Trainer, source, theirs: bool = False):
        self.trainer, self.source, self.theirs = trainer, source, theirs
        self.seconds: list[float] = []
        self.memory = 0
        self.loss = 0.0

    def step(self, number: int) -> None:
        torch.manual_seed(number)
        self.trainer.data = self.source
        with torch_as_it_comes() if self.theirs else as_in_a_job():
            seconds, memory = measured(lambda: self._step(number))
        self.seconds.append(seconds)
        self.memory = max(self.memory, memory)

    def _step(self, number: int) -> None:
        self.loss = self.trainer.step(number)["loss"]

    @property
    def median(self) -> float:
        """s of a step; the first one is not counted."""
        return statistics.median(self.seconds[1:])


def all_ways(wanted, unet, data: TrainingSet, authors: AuthorsWay, make) -> dict[str, Way]:
    """Ways by name; `make`: trainer_with for a precision."""
    gpu = torch.cuda.is_available()
    if not (wanted.switches or gpu):
        trainer = make(OURS, unet, wanted.precision)
        return {AUTHORS: Way(trainer, authors, theirs=True), "cache": Way(trainer, data)}
    theirs = make((), unet, "tf32" if gpu else wanted.precision)
    ways = {AUTHORS: Way(theirs, authors, theirs=True)}
    if gpu:
        ways |= {f"cache, {p}": Way(make(OURS, unet, p), data) for p in ("fp32", "tf32")}
    more = ("channels_last", *["torch.compile"] * wanted.compile)
    sets = {"no switch": ()} | {f"{s} alone": (s,) for s in (*OURS, *more)}
    sets |= {"as trained": OURS} | {f"as trained + {s}": (*OURS, s) for s in more}
    for name, switches in sets.items():
        if not wanted.ways or name in wanted.ways:
            ways[f"cache, {wanted.precision}, {name}"] = Way(
                make(switches, unet, wanted.precision), data
            )
    return ways


def show(ways: dict[str, Way]) -> None:
    base = ways[AUTHORS].median
    print("| way | s a step | steps/s | times the authors' | GPU MB beside weights | loss |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, way in ways.items():
        memory = f"{way.memory / 1e6:,.0f}" if way.memory else ""
        print(
            f"| {name} | {way.median:.4f} | {1 / way.median:.3f} | {base / way.median:.2f} |"
            f" {memory} | {way.loss:.4f} |"
        )
    first = {name: way.seconds[0] for name, way in ways.items() if "compile" in name}
    if first:
        print(f"first step of compiled ways, s: {', '.join(f'{s:.0f}' for s in first.values())}")
    print(f"goal at size s: {GOAL[device().type]} times the authors' way", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="s")
    parser.add_argument("--steps", type=int, default=6, help="of each kind")
    parser.add_argument("--batch", type=int, default=2, help="clips a step")
    parser.add_argument("--condition", choices=("audio", "text"), default="audio")
    parser.add_argument("--precision", choices=("fp32", "tf32", "bf16", "fp16"), default="fp32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--switches", action="store_true", help="measure them without a GPU too")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: minutes")
    parser.add_argument("--ways", nargs="+", help='of the switches, these: "as trained"')
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder), wanted.size)
        study.write(clips=2 * wanted.batch)
        study.resample(0)
        study.embed_audio(0)
        study.embed_text()
        study.encode(0)
        conditions = study.shard({"audio": "clap", "text": "text"}[wanted.condition], 0)
        ids = [f"clip-{number:05d}" for number in range(2 * wanted.batch)]
        with TrainingSet([study.shard("latents", 0)], [conditions], ids) as data:
            options = {
                "data": data,
                "unconditional": data.rows([0]).condition[0],
                "alpha_bar": make_scheduler(study.config["diffusion"]).alphas_cumprod,
                "scaling_factor": scaling_factor(study.vae),
                "seed": 0,
            }

            def make(switches: Sequence[str], unet, precision: str) -> Trainer:
                changes = {"batch_size": wanted.batch, "precision": precision, "warmup_steps": 0}
                training = checked(study.config["training"] | changes)
                return trainer_with(switches, unet, training, **options)

            where = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
            print(
                f"size {wanted.size}, {wanted.batch} clips a step, {wanted.precision}, condition"
                f" {wanted.condition}, {wanted.threads} threads, {where}, torch"
                f" {torch.__version__}; medians of {wanted.steps} steps",
                flush=True,
            )
            authors = AuthorsWay(study, data, wanted.condition)
            ways = all_ways(wanted, make_unet(wanted.size), data, authors, make)
            for step in range(wanted.steps + 1):
                for way in ways.values():
                    way.step(step)
            show(ways)


if __name__ == "__main__":
    main()
