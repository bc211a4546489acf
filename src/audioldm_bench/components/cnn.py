"""The two CNN backbones of the metrics, trained from scratch: tagger and embedder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from .. import audio
from ..features.cnn import SmallCnn, save_cnn
from ..pretrained import device
from .corpus import Clip
from .job import Figure, Job, component_job


def train_cnn(
    name: str,
    audio_shards: Sequence[Path],
    manifest: Path,
    out_folder: Path,
    *,
    settings: dict,
    audio_config: dict,
    seed: int,
    state: Path,
    save_every: float,
    progress_every: float,
) -> None:
    """Train the backbone `name`, "tagger" or "embedder", and write its folder.

    `settings`: the config's models.trained.<name>. With `example_duration` (s) the network sees,
    and is trained on, single examples of that length; with null, whole clips.
    """
    with component_job(
        name,
        audio_shards=audio_shards,
        manifest=manifest,
        out_folder=out_folder,
        settings=settings,
        audio_config=audio_config,
        seed=seed,
        state=state,
        save_every=save_every,
        progress_every=progress_every,
        inputs={},
    ) as job:
        job.seed_weights()
        network = SmallCnn(
            {
                "sample_rate": job.corpus.sample_rate,
                "mel": settings["mel"],
                "channels": settings["channels"],
                "embedding": settings["embedding"],
                "example_duration": settings["example_duration"],
                "labels": job.corpus.labels,
            }
        ).to(device())
        history = job.train(network, lambda: _loss(job, network))
        job.finish(lambda folder: save_cnn(network, folder), [_accuracy(job, network)], history)


def targets(clips: Sequence[Clip], labels: Sequence[str]) -> torch.Tensor:
    """(B, K): the weight of a clip spread evenly over its labels; unknown labels are left out."""
    rows = torch.zeros(len(clips), len(labels))
    index = {label: i for i, label in enumerate(labels)}
    for row, clip in zip(rows, clips, strict=True):
        for label in clip.labels:
            if label in index:
                row[index[label]] = 1.0
    return rows / rows.sum(dim=1, keepdim=True).clamp_min(1.0)


def _crop(job: Job, clip: Clip) -> np.ndarray:
    """A random stretch of the levelled clip, `crop_duration` s; zeros follow a shorter one."""
    length = round(job.settings["crop_duration"] * job.corpus.sample_rate)
    waveform = audio.normalise(job.corpus.native(clip))
    start = int(torch.randint(max(1, len(waveform) - length + 1), ()))
    return audio.fit(waveform[start:], length)


def _loss(job: Job, network: SmallCnn) -> dict[str, torch.Tensor]:
    """Cross-entropy against the labels: IS and KL read the logits through a softmax."""
    clips = job.corpus.draw(job.settings["batch_size"])
    waveforms = torch.from_numpy(np.stack([_crop(job, clip) for clip in clips])).to(device())
    if network.example_frames is None:
        _, logits = network(waveforms)
    else:
        _, logits = network.classify(network.examples(waveforms)[:, 0])
    truth = targets(clips, network.config["labels"]).to(logits.device)
    return {"loss": torch.nn.functional.cross_entropy(logits, truth)}


@torch.no_grad()
def _logits(job: Job, network: SmallCnn, clip: Clip) -> torch.Tensor:
    """(K,) of the whole clip, or the mean over its examples."""
    waveform = torch.from_numpy(audio.normalise(job.corpus.native(clip))).to(device())[None]
    if network.example_frames is None:
        return network(waveform)[1][0]
    return network.classify(network.examples(waveform)[0])[1].mean(dim=0)


def _accuracy(job: Job, network: SmallCnn) -> Figure:
    """Share of held-out clips whose first class is one of their labels."""
    labels = network.config["labels"]
    clips = [clip for clip in job.corpus.heldout if set(clip.labels) & set(labels)]
    right = targets(clips, labels) > 0
    first = torch.stack([_logits(job, network, clip).argmax() for clip in clips]).cpu()
    hits = right[torch.arange(len(clips)), first].double().mean().item()
    chance = right.double().mean().item()
    return Figure("top-1 accuracy", hits, chance, "share", len(clips), "higher")
