"""Several candidates a prompt, of which CLAP chooses: what every system's sounds come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch

from .. import seeds
from .generation import Generator, generate_each

if TYPE_CHECKING:
    from ..clap import Clap


@dataclass
class Prompts:
    """Clips to generate: prompt, its text embedding (P,), and the condition (P,)."""

    clip_ids: list[str]
    texts: dict[str, str] = field(default_factory=dict)
    text_embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    conditions: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass
class Candidates:
    """The candidates (K, T) of a clip, their scores ([] without CLAP), and which is the best."""

    clip_id: str
    waveforms: np.ndarray
    scores: list[float]
    chosen: int


def rank(clap: Clap, waveforms: np.ndarray, text_embedding: np.ndarray, rate: int) -> list[float]:
    """Cosine similarity of each candidate (K, T) to the prompt's text embedding (P,) [code]."""
    return [float(score) for score in clap.embed_audio(list(waveforms), rate) @ text_embedding]


def make_candidates(
    generator: Generator,
    clap: Clap | None,
    prompts: Prompts,
    unconditional: torch.Tensor,
    clip_ids: Sequence[str],
    *,
    size: int,
    sampling: Mapping,
    duration: float,
    seed: int,
    after_step: Callable[[], None] | None = None,
) -> Iterator[Candidates]:
    """The candidates of each clip of one batch, in order; one clip's waveforms are held at a time.

    The batch is filled up with its last clip to `size` clips, for equal shapes give equal bits;
    what fills it is not decoded. `after_step` is called after each step of the sampler.
    """
    count = sampling["candidates"]
    filled = [*clip_ids, *clip_ids[-1:] * (size - len(clip_ids))]
    rows = [(clip_id, candidate) for clip_id in filled for candidate in range(count)]
    waveforms = generate_each(
        generator,
        torch.from_numpy(np.stack([prompts.conditions[clip_id] for clip_id, _ in rows])),
        unconditional,
        [seeds.clip_generator(seed, clip_id, candidate) for clip_id, candidate in rows],
        duration=duration,
        sampling_config=sampling,
        after_step=after_step,
    )
    for clip_id in clip_ids:
        candidates = np.stack(list(islice(waveforms, count)))
        scores, best = [], 0
        if clap is not None:
            text_embedding = prompts.text_embeddings[clip_id]
            scores = rank(clap, candidates, text_embedding, generator.sample_rate)
            best = int(np.argmax(scores))
        yield Candidates(clip_id, candidates, scores, best)
