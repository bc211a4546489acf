"""Folders of a model hub: which files they hold, and their download, each file checked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from .downloads import download
from .errors import UserError
from .files import replace_folder
from .resume import clear_state, fingerprint, resume_state

WEIGHTS = {  # component of a diffusers folder: names of its weights, without the ending
    "unet": ("diffusion_pytorch_model",),
    "vae": ("diffusion_pytorch_model",),
    "vocoder": ("model", "pytorch_model"),
    "text_encoder": ("model", "pytorch_model"),
}
CLAP_WEIGHTS = ("model", "pytorch_model")  # the same of a folder of transformers' ClapModel
OTHERS = (
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/vocab.json",
    "tokenizer/merges.txt",
)


def weights_name(stems: tuple[str, ...], kind: str) -> str:
    """As the libraries name them: model.safetensors, but pytorch_model.bin."""
    return f"{stems[0]}.safetensors" if kind == "safetensors" else f"{stems[-1]}.bin"


def model_files(weights: str) -> list[str]:
    """Files of a diffusers AudioLDM folder that an import reads; `weights`: safetensors or bin."""
    files = list(OTHERS)
    for name, stems in WEIGHTS.items():
        files += [f"{name}/config.json", f"{name}/{weights_name(stems, weights)}"]
    return files


def clap_files(weights: str) -> list[str]:
    """The same of a folder of transformers' ClapModel."""
    return ["config.json", weights_name(CLAP_WEIGHTS, weights)]


def file_url(endpoint: str, repository: str, revision: str, file: str) -> str:
    """The address of one file of a repository at a branch, tag or commit."""
    return (
        f"{endpoint.rstrip('/')}/{quote(repository)}/resolve/{quote(revision, safe='')}/"
        f"{quote(file)}"
    )


def download_folder(
    source: dict,
    files: Iterable[str],
    folder: Path,
    *,
    endpoint: str,
    lock: Path,
    state: Path,
    hosts: Path | None = None,
    progress_every: float = 30.0,
    **options: float,
) -> dict[str, str]:
    """Fetches `files` of a hub repository to `folder`, all or none; returns their sha256.

    `source` has repository, revision, weights and perhaps checksums, {file: sha256}; sums that it
    lacks are recorded in `lock` at the first download. `options` are download's. What is in `state`
    is not fetched again after a kill. UserError names the repository and the key to check.
    """
    files, sums = list(files), {}
    asked = fingerprint(files=files, **{key: source[key] for key in ("repository", "revision")})
    with resume_state(Path(state), asked) as place:
        for file in files:
            url = file_url(endpoint, source["repository"], source["revision"], file)
            print(f"[hub] {source['repository']}: {file}", file=sys.stderr, flush=True)
            try:
                sums[file] = download(
                    url,
                    place / "files" / file,
                    sha256=source.get("checksums", {}).get(file),
                    lock=lock,
                    state=place / "part",
                    hosts=hosts,
                    progress_every=progress_every,
                    **options,
                )
            except UserError as error:
                raise UserError(
                    f"{error} ({file} of {source['repository']} at {source['revision']}; the "
                    f"entry's `weights` is {source['weights']})"
                ) from error
        replace_folder(place / "files", Path(folder))
        clear_state(place)
    return sums
