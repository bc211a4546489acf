"""Training from scratch of the models that a study needs where no published weights are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError

COMPONENTS = ("vae", "vocoder", "tagger", "embedder")


def train_component(
    component: str,
    audio_shards: Sequence[Path],
    manifest: Path,
    out_folder: Path,
    *,
    mel_config: dict,
    **others,
) -> None:
    """Train one of COMPONENTS; `others` as in its function. CLAP has a function of its own, for it
    needs a tokenizer. The backbones have front ends of their own, not the study's `mel_config`."""
    if component in ("tagger", "embedder"):
        from .cnn import train_cnn

        train_cnn(component, audio_shards, manifest, out_folder, **others)
    elif component == "vae":
        from .vae import train_vae

        train_vae(audio_shards, manifest, out_folder, mel_config=mel_config, **others)
    elif component == "vocoder":
        from .vocoder import train_vocoder

        train_vocoder(audio_shards, manifest, out_folder, mel_config=mel_config, **others)
    else:
        raise UserError(f"unknown component {component!r}; choose from {', '.join(COMPONENTS)}")
