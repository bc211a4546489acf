"""A study's folder for benchmarks: recordings of noise, and models with seeded random weights.

`small` has the sizes of config/mini.yaml and clips of 2.56 s; `s`, `m` and `l` those of the
published models and clips of 10.24 s.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests/full_size")]

import full_size_world as world  # noqa: E402  (it needs the paths)

from audioldm_bench import audio  # noqa: E402
from audioldm_bench.clap import embed_audio_shard, embed_prompts, write_front_end  # noqa: E402
from audioldm_bench.components.clap import build_clap  # noqa: E402
from audioldm_bench.components.vae import build_vae  # noqa: E402
from audioldm_bench.datasets.manifest import Clip, write_manifest  # noqa: E402
from audioldm_bench.datasets.prepare import resample_shard  # noqa: E402
from audioldm_bench.memory import reuse_memory  # noqa: E402
from audioldm_bench.pretrained import device, save_pretrained  # noqa: E402
from audioldm_bench.tokenizer import load_tokenizer, train_tokenizer  # noqa: E402
from audioldm_bench.vae import encode_shard  # noqa: E402

SIZES = ("small", "s", "m", "l")
RATE = 44100  # Hz of the recordings, as ESC-50's
VOCABULARY = 300  # of the text tower; a larger one costs memory, no time


def _merged(base: Mapping, changes: Mapping) -> dict:
    both = dict(base)
    for key, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = _merged(both[key], value) if nested else value
    return both


@functools.cache
def read_config(size: str) -> dict:
    """config/config.yaml, changed by mini.yaml for `small`."""
    read = [yaml.safe_load((ROOT / f"config/{n}.yaml").read_text()) for n in ("config", "mini")]
    return _merged(*read) if size == "small" else read[0]


@contextlib.contextmanager
def torch_as_it_comes() -> Iterator[None]:
    """cuDNN's kernels with TF32, and not the deterministic ones only (pretrained.device); glibc's
    malloc as it is once a tensor of 32 MiB was freed (memory.reuse_memory)."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.allow_tf32
    cudnn.deterministic, cudnn.allow_tf32 = False, True
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:  # M_MMAP_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
        for option, value in ((-4, 65536), (-3, 32 << 20), (-1, 64 << 20)):
            mallopt(option, value)
    yield
    cudnn.deterministic, cudnn.allow_tf32 = before


@contextlib.contextmanager
def as_in_a_job() -> Iterator[None]:
    """Memory as a job of the study on this device has it (job.py)."""
    if device().type == "cpu":
        reuse_memory()
    yield


def make_unet(size: str) -> torch.nn.Module:
    """A UNet whose weights are random and nowhere zero, on the CPU."""
    from audioldm_bench.diffusion.unet import build_unet

    torch.manual_seed(0)
    if size == "small":
        return build_unet(read_config(size)["models"]["trained"]["diffusion"]["unet"])
    _, channels, heads, _, _ = world.SIZES[size.upper()]
    return world.random_weights(world._unet(channels, heads))


def _make_vae(size: str, config: Mapping) -> torch.nn.Module:
    if size == "small":
        return build_vae(config["models"]["trained"]["vae"]["model"], config["mel"]["n_mels"])
    return world.random_weights(world._vae())


def _make_clap(size: str, config: Mapping, tokenizer: Path) -> torch.nn.Module:
    from transformers import ClapConfig, ClapModel

    models = config["models"]
    if size == "small":
        return build_clap(models["trained"]["clap"], models["clap"], tokenizer).model
    _, _, _, width, depths = world.SIZES[size.upper()]
    sound = {"patch_embeds_hidden_size": width, "depths": depths, "hidden_size": 8 * width}
    text = {"vocab_size": len(load_tokenizer(tokenizer))}
    return world.random_weights(ClapModel(ClapConfig(text_config=text, audio_config=sound)))


@dataclass(frozen=True)
class Study:
    """Paths of a study, and the stages of the workflow that fill them; one thread writes a shard.

    The models and recordings are written by `write`; each stage is called as its script does.
    """

    folder: Path
    size: str

    @property
    def config(self) -> dict:
        return read_config(self.size)

    @property
    def vae(self) -> Path:
        return self.folder / "vae"

    @property
    def clap(self) -> Path:
        return self.folder / "clap"

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.csv"

    def shard(self, stage: str, number: int) -> Path:
        return self.folder / f"{stage}-{number}.h5"

    def write(self, clips: int, shards: int = 1, models: Sequence[str] = ("vae", "clap")) -> None:
        """So many recordings a shard as wav files, with a manifest, and the folders of `models`."""
        rows, draw = [], np.random.default_rng(0)
        for number in range(clips * shards):
            name, samples = f"clip-{number:05d}", round(self.config["audio"]["duration"] * RATE)
            audio.write(self.folder / f"{name}.wav", 0.2 * draw.normal(size=samples), RATE)
            place = {"split": "train", "shard": number // clips}
            rows.append(Clip(name, f"{name}.wav", caption=f"noise number {number}", **place))
        write_manifest(self.manifest, rows)
        torch.manual_seed(0)
        if "vae" in models:
            save_pretrained(_make_vae(self.size, self.config), self.vae)
        if "clap" in models:
            train_tokenizer([row.caption for row in rows], self.clap, VOCABULARY)
            save_pretrained(_make_clap(self.size, self.config, self.clap), self.clap)
            write_front_end(self.clap, self.config["models"]["clap"])

    def _options(self, stage: str, number: int) -> dict:
        state = self.folder / "state" / f"{stage}-{number}"
        return {"state": state, "clips_per_part": 64, "progress_every": 1e9}

    def resample(self, number: int) -> None:
        resample_shard(
            self.manifest,
            self.folder,
            number,
            self.shard("audio", number),
            audio_config=self.config["audio"],
            seed=0,
            **self._options("resample", number),
        )

    def embed_audio(self, number: int) -> None:
        paths = self.shard("audio", number), self.clap, self.shard("clap", number)
        embed_audio_shard(*paths, **self._options("clap", number))

    def embed_text(self) -> None:
        paths = self.manifest, self.clap, self.shard("text", 0)
        embed_prompts(*paths, template="{caption}", **self._options("text", 0))

    def encode(self, number: int) -> None:
        encode_shard(
            self.shard("audio", number),
            self.vae,
            self.shard("latents", number),
            mel_config=self.config["mel"],
            audio_config=self.config["audio"],
            **self._options("latents", number),
        )
