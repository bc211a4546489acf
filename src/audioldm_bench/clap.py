"""CLAP: audio and text in one space of unit vectors (study.md: "CLAP")."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from . import audio
from .clap_front_end import PREPROCESSOR, RATE_IN, ClapLogMel, read_front_end
from .clap_front_end import write_front_end as write_front_end  # checkpoints import it from here
from .errors import UserError
from .pretrained import device, load_pretrained
from .progress import Progress
from .resume import fingerprint
from .stages import VERSIONS
from .store import Part, Store, build_store
from .tokenizer import load_tokenizer
from .vae import prepare

if TYPE_CHECKING:
    from transformers import ClapModel, RobertaTokenizer

BATCH = 8  # clips a forward pass; parts are multiples of it, so it alone decides the bits
TEXT_BATCH = 32


@dataclass
class Clap:
    """Both towers of one checkpoint with the tokenizer and the front end they were trained with."""

    model: ClapModel
    tokenizer: RobertaTokenizer
    front_end: ClapLogMel

    @property
    def dimension(self) -> int:
        """P, the length of an embedding."""
        return self.model.config.projection_dim

    @property
    def longest_text(self) -> int:
        """Tokens that the text tower reads: RoBERTa numbers positions from the padding id + 1."""
        return self.model.config.text_config.max_position_embeddings - 2

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    def audio_vectors(self, waveforms: torch.Tensor) -> torch.Tensor:
        """(B, n_samples) as `front_end.prepare` makes them to (B, P)."""
        features = self.front_end(waveforms)
        return self.model.get_audio_features(input_features=features).pooler_output

    def text_vectors(self, tokens: dict[str, torch.Tensor]) -> torch.Tensor:
        """What `tokenize` gives to (B, P)."""
        return self.model.get_text_features(**tokens).pooler_output

    @torch.no_grad()
    def embed_audio(self, waveforms: Sequence[np.ndarray], rate: int = RATE_IN) -> np.ndarray:
        """N waveforms (T_i,) at `rate` Hz to (N, P) float32 of unit length.

        Levels are kept as they are; the first `models.clap.duration` s are embedded.
        """
        rows = []
        for first in range(0, len(waveforms), BATCH):
            batch = waveforms[first : first + BATCH]
            ready = np.stack([self.front_end.prepare(np.asarray(w), rate) for w in batch])
            rows.append(_unit(self.audio_vectors(torch.from_numpy(ready).to(self.device))))
        return np.concatenate(rows) if rows else np.zeros((0, self.dimension), np.float32)

    @torch.no_grad()
    def embed_text(self, prompts: Sequence[str]) -> np.ndarray:
        """N prompts to (N, P) float32 of unit length."""
        rows = []
        for first in range(0, len(prompts), TEXT_BATCH):
            tokens = self.tokenize(prompts[first : first + TEXT_BATCH])
            rows.append(_unit(self.text_vectors(tokens)))
        return np.concatenate(rows) if rows else np.zeros((0, self.dimension), np.float32)

    def unconditional(self) -> np.ndarray:
        """(P,) embedding of the empty text, the condition of guidance [code]."""
        return self.embed_text([""])[0]

    def tokenize(self, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Token ids and mask (N, longest), on the model's device."""
        tokens = self.tokenizer(
            list(prompts),
            padding=True,
            truncation=True,
            max_length=self.longest_text,
            return_tensors="pt",
        )
        names = ("input_ids", "attention_mask")
        return {name: tokens[name].to(self.device) for name in names}


def _unit(vectors: torch.Tensor) -> np.ndarray:
    """(N, P) of unit length; transformers 5 normalises already, other releases may not."""
    return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()


def load_clap(folder: Path, backend: str = "transformers") -> Clap:
    """The CLAP model folder `folder`, frozen, on this machine's device.

    `backend`: whose code runs it, transformers' or laion-clap's (the same vectors but for
    rounding). UserError if a part is missing or the parts do not fit each other.
    """
    if backend == "laion":
        from .clap_laion import load_laion_clap

        return load_laion_clap(folder)
    if backend != "transformers":
        raise ValueError(f"there is no CLAP backend {backend}")
    from transformers import ClapModel

    model = load_pretrained(ClapModel, folder)
    if model.config.audio_config.enable_fusion:
        raise UserError(f"{folder}: a fusion CLAP; AudioLDM's has enable_fusion false [code]")
    tokenizer = load_tokenizer(folder, model.config.text_config.vocab_size)
    front_end = read_front_end(folder).to(device())
    bins = model.config.audio_config.num_mel_bins
    if front_end.bands.shape[1] != bins:
        raise UserError(
            f"{Path(folder) / PREPROCESSOR}: feature_size is {front_end.bands.shape[1]}, "
            f"but the audio model reads {bins} mel bands"
        )
    return Clap(model, tokenizer, front_end)


# ------------------------------------------------------------------------------- the stages
def part_size(clips_per_part: int, batch: int) -> int:
    """`clips_per_part` rounded up to whole batches, so that it changes no bit."""
    return max(1, math.ceil(clips_per_part / batch)) * batch


def embed_audio_shard(
    audio_shard_path: Path,
    clap_folder: Path,
    out_path: Path,
    *,
    state: Path,
    clips_per_part: int,
    progress_every: float,
    duration: float | None = None,
    backend: str = "transformers",
) -> None:
    """Store of the shard's CLAP audio embeddings: "embedding" (N, P) float32 of unit length.

    Clips are brought to AudioLDM's level first. `duration` (s): they are also cut, or padded with
    zeros, to that length before CLAP's own cut, as [code] trains; None: CLAP repeats short clips.
    `backend`: see `load_clap`. attrs: unconditional, the embedding of the empty text.
    """
    clap = load_clap(clap_folder, backend)
    with Store(audio_shard_path) as clips:
        rate = clips.attrs["sample_rate"]

        def compute(ids: list[str]) -> Part:
            waveforms = [clips.get("waveform", i) for i in ids]
            if duration is None:
                waveforms = [audio.normalise(w) for w in waveforms]
            else:
                waveforms = [prepare(w, round(duration * rate)) for w in waveforms]
            return Part(ids, {"embedding": clap.embed_audio(waveforms, rate)})

        build_store(
            out_path,
            clips.ids,
            compute,
            state=state,
            fingerprint=fingerprint(
                stage="embed_audio",
                version=VERSIONS["embed_audio"],
                inputs=[Path(audio_shard_path), Path(clap_folder)],
                duration=duration,
                backend=backend,
            ),
            part_size=part_size(clips_per_part, BATCH),
            progress=Progress("CLAP audio", len(clips), every=progress_every),
            attrs={"unconditional": [float(v) for v in clap.unconditional()]},
        )


def prompt(template: str, *, caption: str, label: str) -> str:
    """The template with {caption} and {label} replaced; several labels are joined by ", "."""
    try:
        return template.format(caption=caption, label=", ".join(label.split(";")))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise UserError(
            f'the template "{template}": only {{caption}} and {{label}} can be replaced '
            f"({type(error).__name__}: {error})"
        ) from None


def embed_prompts(
    manifest_path: Path,
    clap_folder: Path,
    out_path: Path,
    *,
    template: str,
    state: Path,
    clips_per_part: int = 64,
    progress_every: float = 30.0,
    backend: str = "transformers",
) -> None:
    """Store of the clips' CLAP text embeddings: "embedding" (N, P) float32 of unit length.

    `backend`: see `load_clap`. attrs: prompts, in the order of the rows, and unconditional, the
    embedding of "".
    UserError if the template names another field.
    """
    with open(manifest_path, newline="", encoding="utf-8") as file:
        prompts = {
            row["clip_id"]: prompt(template, caption=row["caption"], label=row["label"])
            for row in csv.DictReader(file)
        }
    clap = load_clap(clap_folder, backend)

    def compute(ids: list[str]) -> Part:
        texts = list(dict.fromkeys(prompts[i] for i in ids))  # labels repeat: each text once
        vectors = dict(zip(texts, clap.embed_text(texts), strict=True))
        return Part(ids, {"embedding": np.stack([vectors[prompts[i]] for i in ids])})

    build_store(
        out_path,
        list(prompts),
        compute,
        state=state,
        fingerprint=fingerprint(
            stage="embed_text",
            version=VERSIONS["embed_text"],
            inputs=[Path(manifest_path), Path(clap_folder)],
            template=template,
            backend=backend,
        ),
        part_size=part_size(clips_per_part, TEXT_BATCH),
        progress=Progress("CLAP text", len(prompts), "prompts", progress_every),
        attrs={
            "prompts": list(prompts.values()),
            "unconditional": [float(v) for v in clap.unconditional()],
        },
    )
