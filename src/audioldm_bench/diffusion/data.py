"""Batches of cached latents and embeddings, read row by row: memory is flat in the clips.

The rows come from the files past HDF5 (direct.py), those of the next step in a thread (loader.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .. import seeds
from ..errors import UserError
from ..files import read_json
from ..store import Store
from .loader import Ahead

CONDITIONS = ("audio", "text")


@dataclass
class Batch:
    """Posterior moments (B, C, T, F), not scaled, and conditions (B, P), all float32."""

    clip_ids: list[str]
    mean: torch.Tensor
    logvar: torch.Tensor
    condition: torch.Tensor

    def sample(self, scaling_factor: float) -> torch.Tensor:
        """Latents z_0 (B, C, T, F): a new draw of the posterior at every use, scaled.

        From torch's global generator.
        """
        std = torch.exp(0.5 * self.logvar.clamp(-30.0, 20.0))
        return (self.mean + std * torch.randn(self.mean.shape)) * scaling_factor


class TrainingSet:
    """The clips of `clip_ids` that have latents, with the condition of each.

    `condition_paths` are the shards of audio embeddings, or the one file of text embeddings.
    UserError if no clip is left, or one has latents and no condition.
    """

    def __init__(
        self,
        latent_shards: Sequence[Path],
        condition_paths: Sequence[Path],
        clip_ids: Iterable[str],
    ):
        self._latents, self._conditions = Store(latent_shards), Store(condition_paths)
        wanted = set(clip_ids)
        self.ids = [clip_id for clip_id in self._latents.ids if clip_id in wanted]
        if not self.ids:
            raise UserError(
                f"{latent_shards[0]}: none of the {len(wanted)} clips asked for has latents;"
                " check the dataset's split and its missing.csv"
            )
        lost = [clip_id for clip_id in self.ids if clip_id not in self._conditions]
        if lost:
            raise UserError(
                f"{condition_paths[0]}: no embedding of {lost[0]} ({len(lost)} such clips);"
                " delete the file to have it made again"
            )
        for store, name in self._arrays:
            store.open_rows(name)
        self._ahead = Ahead(self.rows)
        self._epoch: tuple[int, int] | None = None  # (seed, epoch) of `_order`
        self._order = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def __enter__(self) -> TrainingSet:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._ahead.close()
        self._latents.close()
        self._conditions.close()

    def _clip_at(self, position: int, seed: int) -> int:
        """Index of the clip at a place in the endless row of shuffled epochs."""
        epoch, place = divmod(position, len(self))
        if self._epoch != (seed, epoch):
            draw = np.random.default_rng(seeds.derive(seed, "epoch", epoch))
            self._epoch, self._order = (seed, epoch), draw.permutation(len(self))
        return int(self._order[place])

    def indices(self, step: int, seed: int, batch_size: int) -> list[int]:
        """Which of `ids` make the batch of a step; each clip comes once an epoch.

        Epochs follow each other without a gap, so a batch may end one and begin the next, or,
        of a very small set, hold several.
        """
        first = step * batch_size
        return [self._clip_at(place, seed) for place in range(first, first + batch_size)]

    def batch(self, step: int, seed: int, batch_size: int) -> Batch:
        """The batch of a step, whatever was read before; the next step's is read meanwhile."""
        wanted, following = (tuple(self.indices(i, seed, batch_size)) for i in (step, step + 1))
        return self._ahead.take(wanted, following)

    @property
    def _arrays(self) -> list[tuple[Store, str]]:
        return [
            (self._latents, "mean"),
            (self._latents, "logvar"),
            (self._conditions, "embedding"),
        ]

    def rows(self, indices: Sequence[int]) -> Batch:
        """The clips at these places of `ids`, in this order; the file is read in its own."""
        ids = [self.ids[index] for index in indices]
        return Batch(ids, *(_read(store, name, ids) for store, name in self._arrays))


def _read(store: Store, name: str, ids: list[str]) -> torch.Tensor:
    # torch widens half precision ten times as fast as numpy
    return torch.from_numpy(store.rows(name, ids)).to(torch.float32)


def condition_sources(condition: str, clap_shards: Sequence[Path], text_path: Path) -> list[Path]:
    """The stores that hold a condition's embeddings. UserError unless "audio" or "text"."""
    if condition not in CONDITIONS:
        raise UserError(f"condition: {condition!r} must be one of {', '.join(CONDITIONS)}")
    return [Path(path) for path in (clap_shards if condition == "audio" else [text_path])]


def unconditional_embedding(path: Path) -> torch.Tensor:
    """(P,) CLAP embedding of the empty text, kept with the embeddings of sound or text."""
    with Store(path) as store:
        if "unconditional" not in store.attrs:
            raise UserError(f"{path} has no `unconditional` embedding; delete it, run again")
        return torch.tensor(store.attrs["unconditional"], dtype=torch.float32)


def scaling_factor(vae_folder: Path) -> float:
    """What the VAE's latents are multiplied by to have a variance of about 1."""
    path = Path(vae_folder) / "config.json"
    if not path.is_file() or "scaling_factor" not in read_json(path):
        raise UserError(f"{path}: scaling_factor is missing; delete {vae_folder} and run again")
    return float(read_json(path)["scaling_factor"])
