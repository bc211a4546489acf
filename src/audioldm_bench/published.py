"""Published checkpoints by their entries in the config: where their files are, and what makes them.

An entry of `models.published.checkpoints` is one of
    url         an authors' .ckpt that is downloaded
    file        one that the user has
    repository  a diffusers folder of a model hub
    folder      one that the user has
and the latter two name under `clap` where CLAP's audio tower is: in a `checkpoint` of these
entries, at a `url`, in a `file`, a `repository` or a `folder`. What the user has goes before what
would be downloaded, so that a `file` can be laid over an entry with a `url`.
"""

from __future__ import annotations

import re
from pathlib import Path

KINDS = ("url", "file", "repository", "folder")
CLAP_KINDS = ("checkpoint", *KINDS)
LOCAL = ("file", "folder")
DOWNLOADS = "resources/downloads"
CLAPS = "resources/clap"


def size_of(checkpoint: str) -> str:
    """s, m or l from a published checkpoint's name; of other names l, the largest."""
    found = re.search(r"(?:^|[-_])([sml])(?:[-_]|$)", checkpoint)
    return found[1] if found else "l"


def kind(entry: dict, kinds: tuple[str, ...] = KINDS) -> str | None:
    """Which of `kinds` the entry is; None if it names none or several."""
    named = [name for name in kinds if entry.get(name) is not None]
    local = [name for name in named if name in LOCAL]
    named = local or named
    return named[0] if len(named) == 1 else None


def local_files(folder: str) -> list[str]:
    """The configs and weights in a folder of the user's, as inputs of a rule."""
    found = (p for p in Path(folder).rglob("*") if p.suffix in (".json", ".txt", ".bin"))
    found = [*found, *Path(folder).rglob("*.safetensors")]
    return sorted(str(p) for p in found if p.is_file())


def checkpoint_file(checkpoints: dict, name: str) -> str:
    """The .ckpt of an entry with `url` or `file`."""
    return checkpoints[name].get("file") or f"{DOWNLOADS}/{name}.ckpt"


def model_path(checkpoints: dict, name: str) -> str:
    """What is imported: a .ckpt or a diffusers folder."""
    entry = checkpoints[name]
    if kind(entry) in ("url", "file"):
        return checkpoint_file(checkpoints, name)
    return entry["folder"] if kind(entry) == "folder" else f"{DOWNLOADS}/{name}"


def clap_path(checkpoints: dict, name: str) -> str | None:
    """What has the audio tower for a diffusers folder, a file or a folder; None for a .ckpt."""
    if kind(checkpoints[name]) in ("url", "file"):
        return None
    clap = checkpoints[name]["clap"]
    its_kind = kind(clap, CLAP_KINDS)
    if its_kind == "checkpoint":
        return checkpoint_file(checkpoints, clap["checkpoint"])
    downloaded = {"url": f"{CLAPS}/{name}.pt", "repository": f"{CLAPS}/{name}"}
    return downloaded.get(its_kind) or clap[its_kind]


def import_inputs(checkpoints: dict, name: str) -> dict:
    """Inputs of the import of checkpoint `name`: `model` and what else its kind needs."""
    entry = checkpoints[name]
    if kind(entry) in ("url", "file"):
        tokenizer = "resources/tokenizer"
        inputs = {"vocab": f"{tokenizer}/vocab.json", "merges": f"{tokenizer}/merges.txt"}
        return {"model": checkpoint_file(checkpoints, name), **inputs}
    inputs = {}
    for key, source, path in (
        ("model", entry, model_path(checkpoints, name)),
        ("clap", entry["clap"], clap_path(checkpoints, name)),
    ):  # a folder's own date changes with any file beside; its files count
        inputs[key] = local_files(path) if kind(source, CLAP_KINDS) == "folder" else path
    return inputs


def origin(entry: dict, *, clap: bool = True) -> dict:
    """What names an entry's files at the hub; `clap`: also those of its CLAP, for source.json."""
    at_hub = kind(entry, CLAP_KINDS) == "repository"
    found = {key: entry[key] for key in ("repository", "revision", "weights") if at_hub}
    if clap and entry.get("clap"):
        found["clap_source"] = origin(entry["clap"])
    return found
