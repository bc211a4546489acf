"""The VAE, trained from scratch on crops of log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..mel import LogMel
from ..pretrained import device
from ..vae import check_shape, decode, encode
from .corpus import Corpus, batches, random_crops, spread
from .job import Figure, Job, component_job, known_fields

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

MEASURED = 256  # training clips that mean and scale are taken from


def train_vae(
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
    """Train an AutoencoderKL and write its folder, with scaling_factor in config.json.

    `settings`: the config's models.trained.vae. UserError for a setting that the class lacks or
    a clip length that its stride does not divide.
    """
    with component_job(
        "vae",
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
        job.seed_weights()
        vae = build_vae(settings["model"], mel_config["n_mels"]).to(device())
        frames = job.corpus.n_samples // mel_config["hop_length"]
        check_shape(vae, frames, mel_config["n_mels"])
        check_shape(vae, min(frames, settings["crop_frames"]), mel_config["n_mels"])
        mean = mean_spectrogram(job.corpus, log_mel)
        _start_at(vae, mean)
        history = job.train(vae, lambda: _loss(job, vae, log_mel))
        vae.register_to_config(scaling_factor=_scaling_factor(job.corpus, vae, log_mel))
        job.finish(vae.save_pretrained, _quality(job.corpus, vae, log_mel, mean), history)


def build_vae(model: dict, n_mels: int) -> AutoencoderKL:
    """An AutoencoderKL with random weights; `model` holds its constructor's arguments."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    levels = len(model["block_out_channels"])
    return AutoencoderKL(
        in_channels=1,
        out_channels=1,
        sample_size=n_mels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        **known_fields(AutoencoderKL, model, "models.trained.vae.model"),
    )


def mean_spectrogram(corpus: Corpus, log_mel: LogMel) -> torch.Tensor:
    """(n_mels,) mean over frames of training clips: the reconstruction that knows nothing."""
    clips = spread(corpus.train, MEASURED)
    return torch.stack([log_mel(corpus.waveforms([c]))[0].mean(dim=0) for c in clips]).mean(dim=0)


@torch.no_grad()
def _start_at(vae: AutoencoderKL, mean: torch.Tensor) -> None:
    """Let the untrained decoder give the mean level, which would else take many steps."""
    vae.decoder.conv_out.bias.fill_(mean.mean())


def _loss(job: Job, vae: AutoencoderKL, log_mel: LogMel) -> dict[str, torch.Tensor]:
    """Reconstruction error of random crops, and the posterior's distance from the prior."""
    clips = job.corpus.draw(job.settings["batch_size"])
    with torch.no_grad():
        crops, _ = random_crops(log_mel(job.corpus.waveforms(clips)), job.settings["crop_frames"])
    posterior = vae.encode(crops[:, None]).latent_dist
    error = vae.decode(posterior.sample()).sample[:, 0] - crops
    l1, l2 = error.abs().mean(), error.square().mean()
    kl = posterior.kl().mean() / posterior.mean[0].numel()  # nats an element of the latents
    loss = l1 + job.settings["l2_weight"] * l2 + job.settings["kl_weight"] * kl
    return {"loss": loss, "l1": l1, "kl": kl}


@torch.no_grad()
def _scaling_factor(corpus: Corpus, vae: AutoencoderKL, log_mel: LogMel) -> float:
    """1 / standard deviation of sampled training latents: diffusion then sees unit variance."""
    sums = torch.zeros(3, dtype=torch.float64)  # count, sum, sum of squares
    for clips in batches(spread(corpus.train, MEASURED)):
        mean, logvar = encode(vae, log_mel(corpus.waveforms(clips)))
        mean, variance = mean.double(), logvar.double().exp()
        second = (mean.square() + variance).sum()  # of a sample, in expectation
        sums += torch.stack([torch.tensor(float(mean.numel())).double(), mean.sum(), second])
    count, first, second = sums.tolist()
    return float((second / count - (first / count) ** 2) ** -0.5)


@torch.no_grad()
def _quality(
    corpus: Corpus, vae: AutoencoderKL, log_mel: LogMel, mean: torch.Tensor
) -> list[Figure]:
    """Errors of held-out clips, encoded and decoded, beside those of the mean spectrogram."""
    sums = torch.zeros(4, dtype=torch.float64)
    for clips in batches(corpus.heldout):
        target = log_mel(corpus.waveforms(clips))
        latents = encode(vae, target)[0] * vae.config.scaling_factor
        for i, guess in enumerate((decode(vae, latents), mean)):
            error = (guess - target).double()
            sums[2 * i] += error.abs().mean(dim=(1, 2)).sum()
            sums[2 * i + 1] += error.square().mean(dim=(1, 2)).sum()
    n = len(corpus.heldout)
    l1, l2, mean_l1, mean_l2 = (sums / n).tolist()
    return [
        Figure("log-mel L1 error", l1, mean_l1, "nat", n, "lower"),
        Figure("log-mel L2 error", l2, mean_l2, "nat²", n, "lower"),
    ]
