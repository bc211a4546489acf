"""A system's clips: one sound for each evaluation clip's prompt, the best of several candidates.

Each sound depends on the seed and on its clip, not on the batch it was made in: every batch has
the same shape, the last one is filled up. Batches are redone whole, so a run that was killed ends
in the same bytes, on GPUs too, whose sums can depend on a row's place.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from .. import audio
from ..clap import Clap, load_clap
from ..datasets.manifest import clips_of
from ..errors import UserError
from ..files import file_sha256, read_json, replace_folder, write_atomically, write_json
from ..progress import Progress
from ..resume import clear_state, fingerprint, resume_state, was_finished
from ..shown import clips_to_hear
from ..stages import VERSIONS
from ..store import Store
from .candidates import Prompts, make_candidates
from .data import condition_sources, unconditional_embedding
from .generation import Generator, device_name, load_generator, resolve_precision
from .samplers import make_sampler
from .unet import WEIGHTS


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


def _sample_batch(
    generator: Generator,
    clap: Clap | None,
    prompts: Prompts,
    unconditional: torch.Tensor,
    clip_ids: Sequence[str],
    *,
    size: int,
    folder: Path,
    heard: Collection[str],
    sampling: Mapping,
    duration: float,
    seed: int,
) -> dict[str, dict]:
    """Makes and writes the clips of one batch; per clip the candidates' scores and the choice.

    Of the clips `heard` the losing candidates are written too.
    """
    found = {}
    batch = make_candidates(
        generator,
        clap,
        prompts,
        unconditional,
        clip_ids,
        size=size,
        sampling=sampling,
        duration=duration,
        seed=seed,
    )
    for made in batch:
        paths = {made.chosen: folder / "clips" / f"{made.clip_id}.wav"}
        found[made.clip_id] = {"scores": made.scores, "chosen": made.chosen}
        if made.clip_id in heard:
            paths |= _losers(folder, made.clip_id, found[made.clip_id])
        for candidate, path in paths.items():
            with write_atomically(path) as draft:
                audio.write(draft, made.waveforms[candidate], generator.sample_rate)
    return found


def _losers(folder: Path, clip_id: str, choice: Mapping) -> dict[int, Path]:
    """Where the candidates of a clip go that were not chosen, by number."""
    numbers = [k for k in range(len(choice["scores"])) if k != choice["chosen"]]
    return {k: folder / "candidates" / f"{clip_id}-{k}.wav" for k in numbers}


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
    out_candidates: Path | None = None,
    heard_clips: int = 0,
) -> None:
    """Generates the evaluation clips of a dataset: `out_clips`/<clip_id>.wav and `out_json`.

    16-bit wav of `generated_duration` s. `out_json` (clips.json) says what made them. With one
    candidate nothing is ranked and CLAP is not loaded. `state` holds what a killed run goes on
    from. `out_candidates` gets <clip_id>-<candidate>.wav, the losing candidates of `heard_clips`
    clips, for the report; no metric sees them.
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
    outputs = [out_clips, out_json, *([Path(out_candidates)] if out_candidates else [])]
    with resume_state(state, work) as folder:
        if was_finished(folder) and all(path.exists() for path in outputs):
            return
        heard = clips_to_hear(prompts.texts, heard_clips) if out_candidates else []
        make = partial(
            _sample_batch,
            load_generator(unet_folder, vae_folder, vocoder_folder, diffusion_config, precision),
            load_clap(clap_folder) if sampling["candidates"] > 1 else None,
            prompts,
            unconditional_embedding(text_path),
            size=min(sampling["batch_size"], len(prompts.clip_ids)),
            folder=folder,
            heard=heard,
            sampling=sampling,
            duration=generated_duration,
            seed=seed,
        )
        progress = Progress(f"{dataset} {system}", len(prompts.clip_ids), every=progress_every)
        made = _all_batches(make, prompts.clip_ids, sampling["batch_size"], folder, heard, progress)
        about = {"system": system, "dataset": dataset, **settings}
        about["diffusion"] = dict(diffusion_config)
        about |= provenance(unet_folder, sampling, prompts, made)
        _put_in_place(folder / "clips", Path(out_clips))
        if out_candidates:
            (folder / "candidates").mkdir(exist_ok=True)  # empty with one candidate a prompt
            _put_in_place(folder / "candidates", Path(out_candidates))
        write_json(out_json, about)
        clear_state(folder)


def provenance(
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


def _all_batches(
    make, clip_ids: list[str], size: int, folder: Path, heard: Collection[str], progress
) -> list[dict]:
    """Calls `make` for each fixed slice of the clips of which one is missing; what it returned for
    every slice, and on which device."""
    found = []
    there = len(list(folder.glob("batch-*.json")))
    if there:
        print(f"[{progress.label}] continues: {there} batches are there", file=sys.stderr)
    for first in range(0, len(clip_ids), size):
        batch = clip_ids[first : first + size]
        done = folder / f"batch-{first:07d}.json"  # written after the batch's sounds
        if not _is_whole(done, folder, batch, heard):
            write_json(done, {"device": device_name(), "choices": make(batch)})
        found.append(read_json(done))
        progress.update(first + len(batch))
    return found


def _is_whole(done: Path, folder: Path, batch: Sequence[str], heard: Collection[str]) -> bool:
    """Whether a batch is done and each of its sounds is still there."""
    if not done.exists():
        return False
    sounds = [folder / "clips" / f"{i}.wav" for i in batch]
    choices = read_json(done)["choices"]
    for clip_id in set(batch) & set(heard):
        sounds += _losers(folder, clip_id, choices[clip_id]).values()
    return all(path.exists() for path in sounds)


def _put_in_place(work: Path, final: Path) -> None:
    """`final` gets the sounds of `work`, which stays: killed now, nothing is to be made again."""
    for draft in work.glob(".*"):  # of a process that was killed while it wrote
        draft.unlink()
    ready = work.with_name("ready")
    shutil.rmtree(ready, ignore_errors=True)
    shutil.copytree(work, ready)
    replace_folder(ready, final)
