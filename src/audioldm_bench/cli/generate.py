"""`generate`: wavs of prompts, made by a checkpoint."""

from __future__ import annotations

import argparse
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from audioldm_bench.cli.checkpoint import (
    DIFFUSION,
    DURATION,
    WEIGHTS,
    Checkpoint,
    choose_sampling,
    find_checkpoint,
    study_settings,
)
from audioldm_bench.cli.output import check_folder
from audioldm_bench.cli.utf8 import is_text, shown
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, read_json, write_atomically, write_json
from audioldm_bench.progress import Progress

LONGEST = 60  # characters of a file's name


def generate(arguments: argparse.Namespace) -> int:
    prompts = _prompts(arguments)
    checkpoint = find_checkpoint(arguments.checkpoint, arguments.models)
    study = study_settings(checkpoint)
    names = ("sampler", "steps", "candidates", "precision")
    asked = {name: getattr(arguments, name) for name in names}
    sampling = choose_sampling(asked | {"guidance_scale": arguments.guidance}, study)
    diffusion = study.get("diffusion", DIFFUSION)
    from audioldm_bench.diffusion.generation import resolve_precision

    sampling["precision"] = resolve_precision(sampling["precision"])
    about = _about(checkpoint, sampling, diffusion)
    about["generated_duration"] = arguments.seconds or study.get("generated_duration", DURATION)
    about["seed"] = arguments.seed
    out = arguments.out or Path("generated")
    files = {prompt: out / f"{slug}.wav" for prompt, slug in slugs(prompts).items()}
    before = _check_out(out, files.values(), about)
    check_folder(out)
    choices = _make(files, checkpoint, sampling, about, before, arguments)
    print(_table(files, choices))
    print(f"\nMade: {len(files)} wav in {out}, {out / 'clips.json'}", flush=True)
    return 0


def _prompts(arguments: argparse.Namespace) -> list[str]:
    """Those of the command line, then those of the file; each once."""
    found = list(arguments.prompts)
    if arguments.prompts_file:
        found += _read_lines(arguments.prompts_file)
    found = [" ".join(prompt.split()) for prompt in found]
    for prompt in found:
        if not is_text(prompt):
            cure = "name a file that is, by --prompts FILE"
            raise UserError(f"the prompt '{shown(prompt)}' is not UTF-8 text; {cure}")
    if not found or not all(found):
        arguments.misused("no prompt: write one in quotes, or name a file of them by --prompts")
    once = list(dict.fromkeys(found))
    if len(once) < len(found):
        _tell(f"repeated prompts: {len(found) - len(once)}; each is made once")
    return once


def _read_lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UserError(f"--prompts {path}: is not UTF-8 text; save it as that") from None
    found = [line for line in lines if line.strip()]
    if not found:
        raise UserError(f"--prompts {path}: no prompt in it; write one a line")
    return found


def slugs(prompts: Sequence[str]) -> dict[str, str]:
    """A file's name for each prompt: its letters and digits; a number where two would be equal."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for prompt in prompts:
        text = unicodedata.normalize("NFC", prompt).casefold()
        base = re.sub(r"[\W_]+", "-", text).strip("-")[:LONGEST].strip("-") or "prompt"
        while len(base.encode()) > 200:  # file systems count bytes
            base = base[:-1]
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name)
        found[prompt] = name
    return found


def _about(checkpoint: Checkpoint, sampling: dict, diffusion: dict) -> dict:
    """Of clips.json, what does not depend on the prompts; keys as the workflow's."""
    return {
        "system": checkpoint.system or checkpoint.folders["unet"].name,
        "dataset": checkpoint.dataset,
        "condition": "text",
        "checkpoint_sha256": file_sha256(checkpoint.folders["unet"] / WEIGHTS),
        "diffusion": dict(diffusion),
        "models": {name: str(path) for name, path in sorted(checkpoint.folders.items())},
        **sampling,
    }


def _check_out(out: Path, files, about: dict) -> dict:
    """The clips.json that is there already; UserError if anything would be overwritten."""
    there = [path for path in files if path.exists()]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UserError(
            f"{there[0]}{more}: is there already; delete it, or name another folder by --out"
        )
    record = out / "clips.json"
    if not record.exists():
        return {}
    try:
        before = read_json(record)
        differ = sorted(key for key in about if before.get(key) != about[key])
    except (ValueError, AttributeError):
        raise UserError(f"{record} is not readable; name another folder by --out") from None
    if differ:
        raise UserError(
            f"{record} is of sounds made otherwise ({', '.join(differ)}); name another folder by "
            "--out"
        )
    return before


def _make(files: dict, checkpoint: Checkpoint, sampling, about, before, arguments) -> dict:
    """Writes the sounds, and clips.json of those that are whole, also where it is interrupted."""
    from audioldm_bench import audio
    from audioldm_bench.diffusion.prompted import load_models, passes, sounds_of

    _tell(f"{len(files)} prompts, {_settings_text(about)}; loading models")
    generator, clap = load_models(checkpoint.folders, sampling, about["diffusion"])
    _warn_of_long(clap, list(files))
    rounds = passes(len(files), arguments.batch)
    progress = Progress("generate", rounds * sampling["steps"], "steps", every=10)
    done, choices = iter(range(1, progress.total + 1)), {}
    made = sounds_of(
        list(files),
        generator,
        clap,
        sampling=sampling,
        duration=about["generated_duration"],
        seed=about["seed"],
        batch=arguments.batch,
        after_step=lambda: progress.update(next(done)),
    )
    try:
        with progress:
            for found in made:
                with write_atomically(files[found.clip_id]) as draft:
                    audio.write(draft, found.waveforms[found.chosen], generator.sample_rate)
                choices[found.clip_id] = {"scores": found.scores, "chosen": found.chosen}
    finally:
        if choices:
            _write_record(files, checkpoint, sampling, about, before, choices)
    return choices


def _write_record(files: dict, checkpoint: Checkpoint, sampling, about, before, choices) -> None:
    from audioldm_bench.diffusion.candidates import Prompts
    from audioldm_bench.diffusion.generation import device_name
    from audioldm_bench.diffusion.sampling import provenance

    texts = {files[prompt].stem: prompt for prompt in choices}
    of_file = {files[prompt].stem: choice for prompt, choice in choices.items()}
    made = [{"device": device_name(), "choices": of_file}]
    new = provenance(checkpoint.folders["unet"], sampling, Prompts(list(texts), texts), made)
    if before:  # other prompts with the same settings were made before
        new["prompts"] = before["prompts"] | new["prompts"]
        new["choices"] = before["choices"] | new["choices"]
        new["devices"] = sorted({*before["devices"], *new["devices"]})
        new["n"] = len(new["prompts"])
    write_json(next(iter(files.values())).parent / "clips.json", about | new)


def _warn_of_long(clap, prompts: Sequence[str]) -> None:
    for prompt in prompts:
        length = len(clap.tokenizer(prompt)["input_ids"])
        if length > clap.longest_text:
            _tell(f"'{prompt[:40]}...': CLAP reads {clap.longest_text} of its {length} tokens")


def _settings_text(about: dict) -> str:
    return (
        f"{about['generated_duration']:g} s each, {about['sampler']} with {about['steps']} steps, "
        f"guidance {about['guidance_scale']:g}, {about['candidates']} candidates, "
        f"{about['precision']}, seed {about['seed']}"
    )


def _table(files: dict, choices: dict) -> str:
    from audioldm_bench.cli.terminal import aligned

    rows = [
        [files[prompt].name, prompt, f"{choice['scores'][choice['chosen']]:.3f}"]
        for prompt, choice in choices.items()
    ]
    return "\n".join(aligned(["file", "prompt", "CLAP similarity"], rows, left=(0, 1)))


def _tell(sentence: str) -> None:
    print(f"[generate] {sentence}", file=sys.stderr, flush=True)
