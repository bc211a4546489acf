"""The folder that every import makes: components, tokenizer, scheduler, source.json."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from ..clap import write_front_end
from ..errors import UserError
from ..files import replace_folder
from ..pretrained import save_pretrained
from ..tokenizer import load_tokenizer, save_tokenizer

SCHEDULER = {  # [code]; steps_offset and set_alpha_to_one as the original DDIM sampler counts
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


@contextlib.contextmanager
def whole_folder(out_folder: Path, origin: Path) -> Iterator[Path]:
    """Gives a folder to write to; it becomes `out_folder` when the block ends well.

    A UserError of the block gets the name of what is imported, `origin`, in front.
    """
    work = out_folder.with_name(f".{out_folder.name}.import")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
        replace_folder(work, out_folder)
    except UserError as error:
        raise UserError(f"{origin}: {error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_components(
    makers: dict[str, Callable[[], torch.nn.Module]], folder: Path, clap_config: dict
) -> dict[str, int]:
    """Write components, front end of CLAP and scheduler; returns the numbers of parameters.

    They are made one at a time, so that memory holds one.
    """
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    parameters = {}
    for name, make in makers.items():
        model = make()
        save_pretrained(model, folder / name)
        parameters[name] = sum(p.numel() for p in model.parameters())
    write_front_end(folder / "clap", clap_config)
    DDIMScheduler(**SCHEDULER).save_pretrained(folder / "scheduler")
    return parameters


def write_tokenizer(files: dict[str, Path], folder: Path, vocab_size: int) -> None:
    """The two files of RoBERTa's tokenizer, checked against the text tower's embeddings."""
    try:
        vocabulary = json.loads(Path(files["vocab"]).read_text(encoding="utf-8"))
        merges = Path(files["merges"]).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"the tokenizer's files cannot be read: {error}") from error
    if not isinstance(vocabulary, dict):
        raise UserError(f"{files['vocab']} holds no vocabulary")
    if merges and merges[0].startswith("#version"):
        merges = merges[1:]
    save_tokenizer(vocabulary, merges, folder)
    load_tokenizer(folder, vocab_size)


def report(source: dict) -> None:
    """The keys of what was imported by what became of them, on stderr."""
    print(f"[import] {source['file']}: size {source['size']}", file=sys.stderr)
    for title in ("keys_used", "keys_unused"):
        for name, count in source[title].items():
            print(f"[import] {title.replace('_', ' ')}: {count} {name}", file=sys.stderr)
