"""Sounds for prompts that belong to no dataset: `audioldm-bench generate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch

from ..clap import Clap, load_clap
from ..errors import UserError
from ..pretrained import device
from .candidates import Candidates, Prompts, make_candidates
from .generation import Generator, load_generator
from .samplers import make_sampler


def load_models(
    folders: Mapping[str, Path], sampling: Mapping, diffusion_config: Mapping
) -> tuple[Generator, Clap]:
    """The models of `folders` (unet, vae, vocoder, clap). UserError if they do not fit each other,
    or the sampler's settings are wrong, which is found before anything is loaded."""
    make_sampler(sampling, diffusion_config)
    parts = [folders[name] for name in ("unet", "vae", "vocoder")]
    generator = load_generator(*parts, diffusion_config, sampling["precision"])
    clap = load_clap(folders["clap"])
    width = generator.unet.config.projection_class_embeddings_input_dim
    if width != clap.dimension:
        raise UserError(
            f"{folders['unet']} reads embeddings of {width} numbers, but {folders['clap']} makes "
            f"{clap.dimension}: they must be of one study; name its models by --models"
        )
    return generator, clap


def passes(n_prompts: int, batch: int) -> int:
    """How often the sampler runs for so many prompts."""
    return -(-n_prompts // _size(batch))


def _size(batch: int) -> int:
    """Prompts a pass. One on a CPU: there the shape of a pass tells in the last bits of a sound,
    and larger ones gain little."""
    return batch if device().type == "cuda" else 1


def sounds_of(
    prompts: Sequence[str],
    generator: Generator,
    clap: Clap,
    *,
    sampling: Mapping,
    duration: float,
    seed: int,
    batch: int,
    after_step: Callable[[], None] | None = None,
) -> Iterator[Candidates]:
    """The candidates of each prompt, in order; their `clip_id` is the prompt.

    A sound depends on the prompt and the seed, not on the others: the noise is named by the
    prompt, each prompt is embedded alone (padding to a longer one shows in the last bits), and all
    passes have one shape. One pass is held at a time, however many prompts there are.
    """
    unconditional = torch.from_numpy(clap.unconditional())
    size = _size(batch)
    for first in range(0, len(prompts), size):
        texts = list(prompts[first : first + size])
        embedded = {text: clap.embed_text([text])[0] for text in texts}
        try:
            yield from make_candidates(
                generator,
                clap,
                Prompts(texts, text_embeddings=embedded, conditions=embedded),
                unconditional,
                texts,
                size=size,
                sampling=sampling,
                duration=duration,
                seed=seed,
                after_step=after_step,
            )
        except torch.OutOfMemoryError:
            raise UserError(
                f"the GPU's memory does not hold {size} prompts x {sampling['candidates']} "
                "candidates: lower --batch, then --candidates or --seconds"
            ) from None
