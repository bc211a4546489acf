"""The clips that a component is trained on and those it is judged on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..errors import UserError
from ..pretrained import device
from ..store import Store
from ..vae import prepare


@dataclass(frozen=True)
class Clip:
    """A row of the manifest whose audio is there."""

    clip_id: str
    caption: str
    labels: tuple[str, ...]

    @property
    def tags(self) -> set[str]:
        """What two clips have in common: their labels, or the caption where there are none."""
        return set(self.labels) or {self.caption}


class Corpus:
    """Training and held-out clips of a dataset's audio shards; a context manager.

    Held out are the clips of split `validation`, or of `evaluation` where there are none. Audio is
    read when asked for, so that memory does not grow with the corpus. UserError if either is
    empty.
    """

    def __init__(self, audio_shards: Sequence[Path], manifest: Path, audio_config: dict):
        self._store = Store(audio_shards)
        self.sample_rate: int = audio_config["sample_rate"]
        self.n_samples = round(audio_config["duration"] * self.sample_rate)
        splits: dict[str, list[Clip]] = {"train": [], "validation": [], "evaluation": []}
        with open(manifest, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["clip_id"] in self._store:
                    labels = tuple(part for part in row["label"].split(";") if part)
                    clip = Clip(row["clip_id"], row["caption"], labels)
                    splits[row["split"]].append(clip)
        self.train = splits["train"]
        self.drawn: list[str] = []  # ids, since it was last emptied
        self.heldout = splits["validation"] or splits["evaluation"]
        for name, clips in (("train", self.train), ("validation or evaluation", self.heldout)):
            if not clips:
                raise UserError(
                    f"{manifest}: no clip of split {name} has audio, so that the components of "
                    "models.trained.dataset cannot be trained; change its split"
                )

    def __enter__(self) -> Corpus:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    @property
    def labels(self) -> list[str]:
        """All labels of the training clips, sorted."""
        return sorted({label for clip in self.train for label in clip.labels})

    def native(self, clip: Clip) -> np.ndarray:
        """(T,) as it was recorded, at most the length of a training clip."""
        return self._store.get("waveform", clip.clip_id)[: self.n_samples]

    def waveforms(self, clips: Sequence[Clip]) -> torch.Tensor:
        """(B, n_samples), levelled and padded as AudioLDM is trained."""
        ready = [prepare(self.native(clip), self.n_samples) for clip in clips]
        return torch.from_numpy(np.stack(ready)).to(device())

    def draw(self, count: int) -> list[Clip]:
        """`count` training clips by torch's generator; no clip twice while there are enough."""
        picks: list[int] = []
        while len(picks) < count:
            picks += torch.randperm(len(self.train))[: count - len(picks)].tolist()
        drawn = [self.train[i] for i in picks]
        self.drawn += [clip.clip_id for clip in drawn]
        return drawn


def spread(clips: Sequence[Clip], limit: int) -> list[Clip]:
    """At most `limit` of the clips, evenly over the list."""
    if len(clips) <= limit:
        return list(clips)
    return [clips[i] for i in np.linspace(0, len(clips) - 1, limit).round().astype(int)]


def batches(clips: Sequence[Clip], size: int = 8) -> list[Sequence[Clip]]:
    """Slices of `size` clips, for measuring."""
    return [clips[i : i + size] for i in range(0, len(clips), size)]


def random_crops(rows: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A random stretch of `length` along dimension 1 of each row of (B, T, ...), and the starts."""
    starts = torch.randint(0, max(1, rows.shape[1] - length + 1), (len(rows),))
    crops = [row[start : start + length] for row, start in zip(rows, starts.tolist(), strict=True)]
    return torch.stack(crops), starts
