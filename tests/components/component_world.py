"""A corpus of three families of sounds, and settings of components that train in seconds."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioldm_bench.components import train_component
from audioldm_bench.components.clap import train_clap

RATE, DURATION = 16000, 0.64
AUDIO = {"sample_rate": RATE, "duration": DURATION, "resampler": "sinc_hann"}
MEL = {
    "n_fft": 1024,
    "hop_length": 160,
    "win_length": 1024,
    "n_mels": 64,
    "f_min": 0,
    "f_max": 8000,
}
CLAP = {
    "sample_rate": 48000,
    "duration": 0.6,
    "n_fft": 1024,
    "hop_length": 480,
    "n_mels": 64,
    "f_min": 50,
    "f_max": 14000,
}
WORDINGS = {
    "Tone": ["a tone", "a flute plays"],
    "Hiss": ["a hiss", "rain falls"],
    "Tick": ["ticks"],
}
OPTIMISER = {"weight_decay": 0.01, "gradient_clip": 5.0}
CNN = {
    **OPTIMISER,
    "steps": 60,
    "batch_size": 8,
    "learning_rate": 5e-3,
    "channels": [4, 8, 8],
    "embedding": 6,
    "mel": MEL | {"n_fft": 512, "win_length": 400, "n_mels": 32},
}
SETTINGS = {
    "tokenizer": {"vocab_size": 280},
    "tagger": {**CNN, "crop_duration": 0.5, "example_duration": None},
    "embedder": {**CNN, "crop_duration": 0.16, "example_duration": 0.16},
    "vae": {
        **OPTIMISER,
        "steps": 35,
        "batch_size": 4,
        "crop_frames": 16,
        "learning_rate": 1e-2,
        "l2_weight": 0.2,
        "kl_weight": 0.01,
        "model": {
            "block_out_channels": [8, 16],
            "layers_per_block": 1,
            "norm_num_groups": 4,
            "latent_channels": 4,
        },
    },
    "vocoder": {
        **OPTIMISER,
        "steps": 40,
        "batch_size": 4,
        "crop_frames": 16,
        "learning_rate": 5e-3,
        "mel_weight": 1.0,
        "stft_sizes": [256, 512],
        "model": {
            "upsample_initial_channel": 32,
            "upsample_rates": [5, 8, 4],
            "upsample_kernel_sizes": [15, 16, 8],
            "resblock_kernel_sizes": [3],
            "resblock_dilation_sizes": [[1, 3]],
        },
    },
    "clap": {
        **OPTIMISER,
        "steps": 30,
        "batch_size": 8,
        "learning_rate": 3e-3,
        "extra_texts": 8,
        "anchor_weight": 1.0,
        "projection_dim": 16,
        "templates": ["{caption}", "the sound of {label}"],
        "wording_share": 0.5,
        "joiners": [" and "],
        "wordings": WORDINGS,
        "audio": {
            "spec_size": 64,
            "patch_embeds_hidden_size": 8,
            "depths": [1, 1],
            "num_attention_heads": [1, 2],
            "window_size": 4,
        },
        "text": {
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": 34,
        },
    },
}


def sound(rng: np.random.Generator, family: int, n: int) -> np.ndarray:
    if family == 0:
        return np.sin(2 * np.pi * rng.uniform(300, 900) * np.arange(n) / RATE)
    if family == 1:
        return rng.standard_normal(n) * 0.3
    out = np.zeros(n)
    out[rng.integers(0, 800) :: 1600] = 1.0
    return out + rng.standard_normal(n) * 1e-3


@dataclass
class World:
    """The corpus on disk, and the trainings of its components."""

    folder: Path

    @property
    def audio(self) -> list[Path]:
        return sorted((self.folder / "audio").glob("shard-*.h5"))

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.csv"

    def train(self, name: str, out: Path, **changes) -> Path:
        """Train the component `name` into `out`; `changes` to its settings."""
        settings = copy.deepcopy(SETTINGS[name]) | changes
        common = {
            "settings": settings,
            "audio_config": AUDIO,
            "seed": 3,
            "state": out.with_name(f"state-{out.name}"),
            "save_every": 0.0,
            "progress_every": 60.0,
        }
        if name == "clap":
            tokenizer = self.folder / "tokenizer"
            train_clap(self.audio, self.manifest, tokenizer, out, clap_config=CLAP, **common)
        else:
            train_component(name, self.audio, self.manifest, out, mel_config=MEL, **common)
        return out
