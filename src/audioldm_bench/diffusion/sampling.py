"""A system's clips: one sound for each evaluation clip's prompt, the best of several candidates.

Each sound depends on the seed and on its clip, not on the batch it was made in: every batch has
the same shape, the last one is filled up. Batches are redone whole, so a run that was killed ends
in the same bytes, on GPUs too, whose sums can depend on a row's place.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from .. import audio, seeds
from ..clap import Clap, load_clap
from ..datasets.manifest import clips_of
from ..errors import UserError
from ..files import file_sha256, read_json, replace_folder, write_atomically, write_json
from ..progress import Progress
from ..resume import clear_state, fingerprint, resume_state, was_finished
from ..stages import VERSIONS
from ..store import Store
from .data import condition_sources, unconditional_embedding
from .generation import (
    Generator,
    device_name,
    generate_each,
    load_generator,
    resolve_precision,
)
from .samplers import make_sampler
from .unet import WEIGHTS


@dataclass
class Prompts:
    """The evaluation clips: prompt, its text embedding (P,), and the condition (P,)."""

    clip_ids: list[str]
    texts: dict[str, str] = field(default_factory=dict)
    text_embeddings: dict[str, np.ndarray] = field(default_factory=dict)
    conditions: dict[str, np.ndarray] = field(default_factory=dict)


def read_prompts(
    manifest_path: Path,
    audio_shards: Sequence[Path],
    text_path: Path,
    clap_shards: Sequence[Path],
    *,
    condition: str,
    split: str = "evaluation",
) -> Prompts:
    """The clips of a split whose sound is there, in the manifest's order.

    `condition`: "text" (the prompt's embedding) or "audio" (the clip's own, of the CLAP shards).
    UserError if there are none, or an embedding is missing.
    """
    sources = condition_sources(condition, clap_shards, text_path)
    with Store(audio_shards) as sounds, Store(text_path) as text, Store(sources) as source:
        ids = [c.clip_id for c in clips_of(manifest_path, split=split) if c.clip_id in sounds]
        if not ids:
            raise UserError(f"{manifest_path}: no clip of split {split} has sound; see missing.csv")
        for store, path in ((text, text_path), (source, sources[0])):
            lost = [clip_id for clip_id in ids if clip_id not in store]
            if lost:
                raise UserError(f"{path}: no embedding of {lost[0]}; delete the file and run again")
        prompts = dict(zip(text.ids, text.attrs["prompts"], strict=True))
        return Prompts(
            ids,
            texts={i: prompts[i] for i in ids},
            text_embeddings={i: text.get("embedding", i) for i in ids},
            conditions={i: source.get("embedding", i) for i in ids},
        )


def rank(clap: Clap, waveforms: np.ndarray, text_embedding: np.ndarray, rate: int) -> list[float]:
    """Cosine similarity of each candidate (K, T) to the prompt's text embedding (P,) [code]."""
    return [float(score) for score in clap.embed_audio(list(waveforms), rate) @ text_embedding]


def _sample_batch(
    generator: Generator,
    clap: Clap | None,
    prompts: Prompts,
    unconditional: torch.Tensor,
    clip_ids: Sequence[str],
    *,
    size: int,
    folder: Path,
    sampling: Mapping,
    duration: float,
    seed: int,
) -> dict[str, dict]:
    """Makes and writes the clips of one batch; per clip the candidates' scores and the choice.

    The batch is filled up with its last clip to `size` clips, for equal shapes give equal bits;
    what fills it is not decoded. One clip's waveforms are held at a time.
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
    )
    found = {}
    for clip_id in clip_ids:
        candidates = np.stack(list(islice(waveforms, count)))
        scores, best = [], 0
        if clap is not None:
            text_embedding = prompts.text_embeddings[clip_id]
            scores = rank(clap, candidates, text_embedding, generator.sample_rate)
            best = int(np.argmax(scores))
        with write_atomically(folder / f"{clip_id}.wav") as draft:
            audio.write(draft, candidates[best], generator.sample_rate)
        found[clip_id] = {"scores": scores, "chosen": best}
    return found


def versions() -> dict[str, str]:
    """Of what decides the bits of a sample."""
    import diffusers
    import transformers

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "sampling": str(VERSIONS["sampling"]),
    }


def sample_system(
    out_clips: Path,
    out_json: Path,
    *,
    system: str,
    dataset: str,
    condition: str,
    unet_folder: Path,
    vae_folder: Path,
    vocoder_folder: Path,
    clap_folder: Path,
    manifest_path: Path,
    audio_shards: Sequence[Path],
    clap_shards: Sequence[Path],
    text_path: Path,
    generated_duration: float,
    sampling_config: Mapping,
    diffusion_config: Mapping,
    seed: int,
    state: Path,
    progress_every: float,
    threads: int,
) -> None:
    """Generates the evaluation clips of a dataset: `out_clips`/<clip_id>.wav and `out_json`.

    16-bit wav of `generated_duration` s. `out_json` (clips.json) says what made them. With one
    candidate nothing is ranked and CLAP is not loaded. `state` holds what a killed run goes on
    from.
    """
    torch.set_num_threads(threads)
    out_clips, out_json = Path(out_clips), Path(out_json)
    prompts = read_prompts(manifest_path, audio_shards, text_path, clap_shards, condition=condition)
    # What auto means here is part of the work: one system's sounds are of one precision.
    precision = resolve_precision(sampling_config["precision"])
    sampling = {**sampling_config, "precision": precision}
    make_sampler(sampling, diffusion_config)  # a wrong setting ends the job before models load
    settings = {"condition": condition, "generated_duration": generated_duration, "seed": seed}
    work = fingerprint(
        stage="sampling",
        version=VERSIONS["sampling"],
        models=[Path(p) for p in (unet_folder, vae_folder, vocoder_folder, clap_folder)],
        inputs=[Path(text_path), *map(Path, clap_shards), prompts.clip_ids],
        settings=[settings, sampling, dict(diffusion_config)],
    )
    with resume_state(state, work) as folder:
        if was_finished(folder) and out_clips.exists() and out_json.exists():
            return
        make = partial(
            _sample_batch,
            load_generator(unet_folder, vae_folder, vocoder_folder, diffusion_config, precision),
            load_clap(clap_folder) if sampling["candidates"] > 1 else None,
            prompts,
            unconditional_embedding(text_path),
            size=min(sampling["batch_size"], len(prompts.clip_ids)),
            folder=folder / "clips",
            sampling=sampling,
            duration=generated_duration,
            seed=seed,
        )
        progress = Progress(f"{dataset} {system}", len(prompts.clip_ids), every=progress_every)
        made = _all_batches(make, prompts.clip_ids, sampling["batch_size"], folder, progress)
        about = {"system": system, "dataset": dataset, **settings}
        about |= _provenance(unet_folder, sampling, prompts, made)
        _put_in_place(folder / "clips", Path(out_clips))
        write_json(out_json, about)
        clear_state(folder)


def _provenance(
    unet_folder: Path, sampling: Mapping, prompts: Prompts, made: Sequence[Mapping]
) -> dict:
    """Where the clips come from; batch_size is left out, it changes no sound."""
    return {
        "checkpoint_sha256": file_sha256(Path(unet_folder) / WEIGHTS),
        **{key: value for key, value in sampling.items() if key != "batch_size"},
        "n": len(prompts.clip_ids),
        "versions": versions(),
        "prompts": prompts.texts,
        # several if a job was stopped and went on elsewhere
        "devices": sorted({batch["device"] for batch in made}),
        # per clip: the candidates' scores, and which was kept
        "choices": {i: choice for batch in made for i, choice in batch["choices"].items()},
    }


def _all_batches(make, clip_ids: list[str], size: int, folder: Path, progress) -> list[dict]:
    """Calls `make` for each fixed slice of the clips of which one is missing; what it returned for
    every slice, and on which device."""
    found = []
    there = len(list(folder.glob("batch-*.json")))
    if there:
        print(f"[{progress.label}] continues: {there} batches are there", file=sys.stderr)
    for first in range(0, len(clip_ids), size):
        batch = clip_ids[first : first + size]
        done = folder / f"batch-{first:07d}.json"  # written after the batch's sounds
        whole = done.exists() and all((folder / "clips" / f"{i}.wav").exists() for i in batch)
        if not whole:
            write_json(done, {"device": device_name(), "choices": make(batch)})
        found.append(read_json(done))
        progress.update(first + len(batch))
    return found


def _put_in_place(work: Path, final: Path) -> None:
    """`final` gets the sounds of `work`, which stays: killed now, nothing is to be made again."""
    for draft in work.glob(".*"):  # of a process that was killed while it wrote
        draft.unlink()
    ready = work.with_name("ready")
    shutil.rmtree(ready, ignore_errors=True)
    shutil.copytree(work, ready)
    replace_folder(ready, final)
