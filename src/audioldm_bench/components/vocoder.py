"""The vocoder, trained from scratch on crops: spectral losses, no adversary.

A HiFi-GAN generator of this size learns the level and the shape of a sound's spectrum from the
losses alone; the published vocoder, which had discriminators, is used where it can be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..errors import UserError
from ..mel import LogMel
from ..pretrained import device, fan_in_weights, save_pretrained
from ..vocoder import vocode
from .corpus import Corpus, batches, random_crops
from .job import Figure, Job, component_job, known_fields
from .vae import mean_spectrogram

if TYPE_CHECKING:
    from transformers import SpeechT5HifiGan

MAGNITUDE_FLOOR = 1e-4  # below it a difference of log magnitudes is not heard


def train_vocoder(
    audio_shards: Sequence[Path],
    manifest: Path,
    out_folder: Path,
    *,
    settings: dict,
    mel_config: dict,
    audio_config: dict,
    seed: int,
    state: Path,
    save_every: float,
    progress_every: float,
) -> None:
    """Train a SpeechT5HifiGan on log-mel spectrograms of sounds and write its folder.

    `settings`: the config's models.trained.vocoder. UserError if its upsample_rates do not
    multiply to mel.hop_length, or for a setting that the class lacks.
    """
    with component_job(
        "vocoder",
        audio_shards=audio_shards,
        manifest=manifest,
        out_folder=out_folder,
        settings=settings,
        audio_config=audio_config,
        seed=seed,
        state=state,
        save_every=save_every,
        progress_every=progress_every,
        inputs={"mel": mel_config},
    ) as job:
        log_mel = LogMel(job.corpus.sample_rate, **mel_config).to(device())
        mean = mean_spectrogram(job.corpus, log_mel)
        job.seed_weights()
        vocoder = build_vocoder(settings["model"], mel_config, job.corpus.sample_rate)
        vocoder.to(device())
        history = job.train(vocoder, lambda: _loss(job, vocoder, log_mel))
        quality = _quality(job.corpus, vocoder, log_mel, mean)
        job.finish(lambda folder: save_pretrained(vocoder, folder), quality, history)


def build_vocoder(model: dict, mel_config: dict, sample_rate: int) -> SpeechT5HifiGan:
    """A SpeechT5HifiGan with random weights; `model` holds fields of its config."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    product = 1
    for rate in model["upsample_rates"]:
        product *= rate
    if product != mel_config["hop_length"]:
        raise UserError(
            f"models.trained.vocoder.model.upsample_rates multiply to {product}; they must "
            f"multiply to mel.hop_length, {mel_config['hop_length']}"
        )
    config = SpeechT5HifiGanConfig(
        model_in_dim=mel_config["n_mels"],
        sampling_rate=sample_rate,
        normalize_before=False,
        **known_fields(SpeechT5HifiGanConfig, model, "models.trained.vocoder.model"),
    )
    vocoder = SpeechT5HifiGan(config)
    fan_in_weights(vocoder)
    return vocoder


def _spectrum(waveforms: torch.Tensor, n_fft: int) -> torch.Tensor:
    """(B, T) to magnitudes (B, bins, frames), scaled so that a full sine is about 1."""
    window = torch.hann_window(n_fft, device=waveforms.device)
    spectrum = torch.stft(waveforms, n_fft, n_fft // 4, window=window, return_complex=True)
    # The gradient of a plain abs() is not finite at 0.
    power = spectrum.real**2 + spectrum.imag**2
    return torch.sqrt(power + MAGNITUDE_FLOOR**2) * (2 / window.sum())


def spectral_loss(made: torch.Tensor, target: torch.Tensor, n_fft: int) -> torch.Tensor:
    """Spectral convergence over the batch plus L1 of log magnitudes (Yamamoto et al. 2020)."""
    a, b = _spectrum(made, n_fft), _spectrum(target, n_fft)
    convergence = torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(b).clamp_min(1e-3)
    return convergence + (torch.log(a + 1e-5) - torch.log(b + 1e-5)).abs().mean()


def _loss(job: Job, vocoder: SpeechT5HifiGan, log_mel: LogMel) -> dict[str, torch.Tensor]:
    """Multi-resolution STFT loss and log-mel L1 of random crops."""
    hop, frames = log_mel.hop_length, job.settings["crop_frames"]
    with torch.no_grad():
        waveforms = job.corpus.waveforms(job.corpus.draw(job.settings["batch_size"]))
        crops, starts = random_crops(log_mel(waveforms), frames)
        target = torch.stack(
            [
                w[s * hop : (s + frames) * hop]
                for w, s in zip(waveforms, starts.tolist(), strict=True)
            ]
        )
    made = vocoder(crops)[:, : target.shape[1]]
    mel = (log_mel(made) - log_mel(target)).abs().mean()
    stft = torch.stack([spectral_loss(made, target, n) for n in job.settings["stft_sizes"]]).mean()
    return {"loss": job.settings["mel_weight"] * mel + stft, "mel": mel, "stft": stft}


@torch.no_grad()
def _quality(
    corpus: Corpus, vocoder: SpeechT5HifiGan, log_mel: LogMel, mean: torch.Tensor
) -> list[Figure]:
    """Log-mel error of held-out clips made again from their log-mel, beside that of the mean."""
    made_error = mean_error = 0.0
    for clips in batches(corpus.heldout):
        target = log_mel(corpus.waveforms(clips))
        made = log_mel(vocode(vocoder, target, corpus.n_samples))
        made_error += (made - target).double().abs().mean(dim=(1, 2)).sum().item()
        mean_error += (mean - target).double().abs().mean(dim=(1, 2)).sum().item()
    n = len(corpus.heldout)
    return [Figure("log-mel L1 error", made_error / n, mean_error / n, "nat", n, "lower")]
