"""Diffusers' AudioLDM folders, as on the hub under cvssp/: the same components as from a .ckpt.

Facts: diffusers' scripts/convert_original_audioldm_to_diffusers.py, which made the published
folders: raw weights of the UNet unless it is asked for the EMA, and CLAP's text tower only.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..files import write_json
from ..tokenizer import load_tokenizer
from .captions import CAPTIONS
from .clap import convert_clap
from .clap_sources import check_text_towers, join_towers, read_clap
from .folder_parts import Found, read_text_tower, read_unet, read_vae, read_vocoder
from .folders import check_some, read_config
from .output import SCHEDULER, report, whole_folder, write_components, write_tokenizer
from .unet import size_of

if TYPE_CHECKING:
    import torch

AVERAGE = "EMA or raw weights: the folder does not tell; diffusers' script takes the raw ones"


def check_pipeline(folder: Path) -> None:
    """UserError if model_index.json is of another pipeline, such as AudioLDM2's."""
    path = folder / "model_index.json"
    if path.is_file() and (kind := read_config(path).get("_class_name")) != "AudioLDMPipeline":
        raise UserError(f"{path} is of {kind}, not of AudioLDMPipeline")


def check_scheduler(folder: Path) -> None:
    """UserError unless the folder names the noise schedule of AudioLDM."""
    path = folder / "scheduler" / "scheduler_config.json"
    config = read_config(path)
    lacking = [key for key in SCHEDULER if key not in config]
    if lacking:
        raise UserError(f"scheduler/scheduler_config.json lacks {', '.join(lacking)}")
    check_some("scheduler/scheduler_config.json", config, SCHEDULER)


def _joined_clap(
    folder: Path, clap: Path, work: Path, clap_config: dict, found: Found
) -> torch.nn.Module:
    """The folder's text tower and the audio tower of `clap`; the tokenizer goes to `work`."""
    text, source = read_text_tower(folder, found), read_clap(clap)
    vocab_size = text.width("text_branch.embeddings.word_embeddings.weight")
    files = {"vocab": folder / "tokenizer/vocab.json", "merges": folder / "tokenizer/merges.txt"}
    write_tokenizer(files, work / "clap", vocab_size)
    tokenizer = load_tokenizer(work / "clap", vocab_size)
    cosine = check_text_towers(text, source, tokenizer, clap_config)
    found.clap = {
        "name": source.path.name,
        "format": source.format,
        "sha256": source.sha256,
        "captions": len(CAPTIONS),
        "smallest_cosine": round(cosine, 7),
    }
    both = join_towers(text, source)
    found.used["audio tower"] = taken = len(both) - len(text)
    found.unused.update(source.unused)
    found.unused["text tower of CLAP's source, compared"] = len(source.weights) - taken
    return convert_clap(both)


def convert(
    folder: Path, clap: Path, work: Path, clap_config: dict, head_channels: int | None
) -> dict:
    """Writes the component folders of `folder` into `work`; returns what was found in it."""
    check_pipeline(folder)
    check_scheduler(folder)
    found = Found()
    makers = {
        # first: it is the one that is refused most easily
        "clap": lambda: _joined_clap(folder, clap, work, clap_config, found),
        "unet": lambda: read_unet(folder, head_channels, found),
        "vae": lambda: read_vae(folder, found),
        "vocoder": lambda: read_vocoder(folder, found),
    }
    parameters = write_components(makers, work, clap_config)
    channels = read_config(work / "unet/config.json")["block_out_channels"][0]
    return {
        "size": size_of(channels, head_channels)[0],
        "scale_factor": read_config(work / "vae/config.json")["scaling_factor"],
        "parameters": parameters,
        "files": found.files,
        "keys_used": found.used,
        "keys_unused": {why: count for why, count in found.unused.items() if count},
        "corrections": found.corrections,
        "unet_weights": AVERAGE,
        "clap": found.clap,
    }


def import_diffusers(
    folder: Path,
    out_folder: Path,
    *,
    clap: Path,
    clap_config: dict,
    head_channels: int | None = None,
    origin: dict | None = None,
) -> dict:
    """Import a diffusers AudioLDM folder into component folders, whole or not at all.

    `out_folder` gets what import_audioldm writes. `clap`: a file or folder with both towers of the
    CLAP that the model was trained with, of which the audio tower is taken; the text towers must
    agree. `origin` is kept in source.json. Values of the folder's configs that are the libraries'
    defaults and not the model's are corrected, with a line each. UserError if a file or key is
    missing, unknown or misshapen, a config is of another model, or the text towers differ.
    """
    folder, out_folder = Path(folder), Path(out_folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder")
    with whole_folder(out_folder, folder) as work:
        found = convert(folder, Path(clap), work, clap_config, head_channels)
        source = {"file": folder.name, "format": "diffusers folder", **(origin or {}), **found}
        write_json(work / "source.json", source)
    report(source)
    print(f"[import] weights of the UNet: {AVERAGE}", file=sys.stderr)
    return source
