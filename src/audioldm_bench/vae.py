"""The VAE: log-mel spectrograms to latents and back (study.md: "Signal front end").

Latents are (C, T, F): channels, frames, mel bands, the last two divided by the VAE's stride.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from . import audio
from .errors import UserError
from .pretrained import load_pretrained
from .progress import Progress
from .resume import fingerprint
from .stages import VERSIONS
from .store import Part, Store, build_store

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

BATCH = 8  # clips a forward pass; parts are multiples of it, so it alone decides the bits


def load_vae(folder: Path) -> AutoencoderKL:
    """The AutoencoderKL in `folder`, frozen, on this machine's device."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return load_pretrained(AutoencoderKL, folder)


def stride(vae: AutoencoderKL) -> int:
    """Frames, and mel bands, of one latent cell."""
    return 2 ** (len(vae.config.block_out_channels) - 1)


def prepare(waveform: np.ndarray, n_samples: int) -> np.ndarray:
    """(T,) to (n_samples,) as AudioLDM is trained: cut, then levelled, then zero-padded [code]."""
    return audio.fit(audio.normalise(waveform[:n_samples]), n_samples)


@torch.no_grad()
def encode(vae: AutoencoderKL, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, frames, n_mels) to mean and log-variance of the posterior, (B, C, T, F), not scaled."""
    posterior = vae.encode(log_mel[:, None]).latent_dist
    return posterior.mean, posterior.logvar


@torch.no_grad()
def decode(vae: AutoencoderKL, latents: torch.Tensor) -> torch.Tensor:
    """Scaled latents (B, C, T, F), as diffusion sees them, to log-mel (B, frames, n_mels)."""
    return vae.decode(latents / vae.config.scaling_factor).sample[:, 0]


def check_shape(vae: AutoencoderKL, n_frames: int, n_mels: int) -> None:
    """UserError unless frames and bands divide into latent cells."""
    cell = stride(vae)
    if n_frames % cell or n_mels % cell:
        raise UserError(
            f"audio.duration gives {n_frames} frames of {n_mels} mel bands: the VAE needs "
            f"multiples of {cell} of both; change audio.duration, mel.hop_length or mel.n_mels"
        )


def encode_shard(
    audio_shard_path: Path,
    vae_folder: Path,
    out_path: Path,
    *,
    mel_config: dict,
    audio_config: dict,
    state: Path,
    clips_per_part: int,
    progress_every: float,
) -> None:
    """Store of the shard's posteriors: "mean" and "logvar" (N, C, T, F) float16, not scaled.

    Clips are levelled and cut or zero-padded to audio.duration first [code]. The posterior is
    kept, not a sample: training draws one at every use.
    """
    from .mel import LogMel

    vae = load_vae(vae_folder)
    rate = audio_config["sample_rate"]
    n_samples = round(audio_config["duration"] * rate)
    log_mel = LogMel(rate, **mel_config).to(vae.device)
    check_shape(vae, n_samples // mel_config["hop_length"], mel_config["n_mels"])
    with Store(audio_shard_path) as clips:

        def compute(ids: list[str]) -> Part:
            rows: dict[str, list[np.ndarray]] = {"mean": [], "logvar": []}
            for first in range(0, len(ids), BATCH):
                waveforms = [clips.get("waveform", i) for i in ids[first : first + BATCH]]
                ready = np.stack([prepare(w, n_samples) for w in waveforms])
                mel = log_mel(torch.from_numpy(ready).to(vae.device))
                for name, values in zip(rows, encode(vae, mel), strict=True):
                    rows[name].append(values.cpu().numpy().astype(np.float16))
            return Part(ids, {name: np.concatenate(found) for name, found in rows.items()})

        build_store(
            out_path,
            clips.ids,
            compute,
            state=state,
            fingerprint=fingerprint(
                stage="encode",
                version=VERSIONS["encode"],
                inputs=[Path(audio_shard_path), Path(vae_folder)],
                mel=mel_config,
                audio=audio_config,
            ),
            part_size=-(-clips_per_part // BATCH) * BATCH,
            progress=Progress("VAE latents", len(clips), every=progress_every),
        )
