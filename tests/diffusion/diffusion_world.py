"""A tiny world: caches of 24 clips, and a UNet, VAE and vocoder with random weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audioldm_bench.store import Part, build_store

CHANNELS, FRAMES, BANDS, EMBEDDING = 4, 16, 8, 12
UNET = {
    "sample_size": 16,
    "in_channels": CHANNELS,
    "out_channels": CHANNELS,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [16, 32],
    "layers_per_block": 1,
    "cross_attention_dim": [16, 32],
    "attention_head_dim": [2, 4],
    "norm_num_groups": 8,
    "projection_class_embeddings_input_dim": EMBEDDING,
}
TRAINING = {
    "batch_size": 4,
    "learning_rate": 1e-3,
    "warmup_steps": 3,
    "weight_decay": 0.01,
    "ema_decay": 0.99,
    "condition_dropout": 0.1,
    "gradient_clip": None,
    "precision": "fp32",
}
DIFFUSION = {
    "timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
}
SAMPLING = {
    "sampler": "ddim",
    "steps": 4,
    "eta": 1.0,
    "guidance_scale": 2.5,
    "candidates": 1,
    "batch_size": 3,
    "precision": "fp32",
}


@dataclass
class World:
    """Paths of the tiny world, and what the clips are."""

    root: Path
    ids: list[str]
    train_ids: list[str]
    evaluation_ids: list[str]

    @property
    def caches(self) -> dict:
        """The arguments that every training takes."""
        return {
            "latent_shards": [self.root / "latents-0.h5", self.root / "latents-1.h5"],
            "condition_paths": [self.root / "clap.h5"],
            "manifest_path": self.root / "manifest.csv",
            "vae_folder": self.root / "vae",
            "diffusion_config": DIFFUSION,
            "seed": 0,
            "save_every": 1e9,
            "progress_every": 1e9,
            "threads": 1,
        }


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def write_stores(root: Path, ids: list[str]) -> None:
    draw = np.random.default_rng(0)
    classes = {clip_id: number // 3 % 3 for number, clip_id in enumerate(ids)}
    patterns = draw.normal(size=(3, CHANNELS, FRAMES, BANDS))
    centres = draw.normal(size=(3, EMBEDDING))

    def latents(wanted: list[str]) -> Part:
        mean = np.stack([patterns[classes[i]] for i in wanted])
        mean = (mean + 0.1 * draw.normal(size=mean.shape)).astype(np.float16)
        return Part(wanted, {"mean": mean, "logvar": np.full_like(mean, -6.0)})

    def embeddings(wanted: list[str]) -> Part:
        rows = np.stack([centres[classes[i]] for i in wanted])
        return Part(wanted, {"embedding": _unit(rows + 0.1 * draw.normal(size=rows.shape))})

    def sounds(wanted: list[str]) -> Part:
        return Part(wanted, {"waveform": [np.zeros(100, np.float32) for _ in wanted]})

    text = {
        "prompts": [f"a sound of class {classes[i]}" for i in ids],
        "unconditional": _unit(draw.normal(size=(1, EMBEDDING)))[0].tolist(),
    }
    half = len(ids) // 2
    for name, members, compute, attrs in (
        ("latents-0", ids[:half], latents, {}),
        ("latents-1", ids[half:], latents, {}),
        ("clap", ids, embeddings, text),
        ("text", ids, embeddings, text),
        ("audio", ids, sounds, {"sample_rate": 16000}),
    ):
        state = root / "state" / name
        build_store(
            root / f"{name}.h5", members, compute, state=state, fingerprint=name, attrs=attrs
        )


def write_models(root: Path) -> None:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    torch.manual_seed(0)
    AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[8, 16],
        latent_channels=CHANNELS,
        norm_num_groups=4,
        scaling_factor=0.9,
    ).save_pretrained(root / "vae")
    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=2 * BANDS,
            sampling_rate=16000,
            upsample_initial_channel=16,
            upsample_rates=[8, 5, 4],
            upsample_kernel_sizes=[16, 11, 8],
            resblock_kernel_sizes=[3],
            resblock_dilation_sizes=[[1, 3]],
            normalize_before=False,
        )
    )
    for weight in vocoder.parameters():
        if weight.dim() > 1:  # transformers' own first weights give silence
            torch.nn.init.kaiming_normal_(weight)
    vocoder.save_pretrained(root / "vocoder")
