"""What a JSON schema cannot say of a config's `models.clap.backend`: what laion-clap can run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from .config_rules import at

# The front end that laion-clap's HTSAT-tiny and HTSAT-base have built in.
LAION_FRONT_END = {
    "sample_rate": 48000,
    "duration": 10,
    "n_fft": 1024,
    "hop_length": 480,
    "n_mels": 64,
    "f_min": 50,
    "f_max": 14000,
}


def broken_clap(config: dict, base: Path) -> Iterator[str]:
    """A sentence for each rule of `models.clap.backend: laion` that the config breaks."""
    if at(config, "models", "clap", "backend", kind=str) != "laion":
        return
    cure = "or set `models.clap.backend` to transformers"
    if at(config, "models", "source", kind=str) == "trained":
        yield (
            "`models.clap.backend` is laion but `models.source` is trained: laion-clap has the "
            f"published sizes only; set the source to published, {cure}."
        )
    front_end = at(config, "models", "clap")
    for key, fixed in LAION_FRONT_END.items():
        if key in front_end and front_end[key] != fixed:
            yield (
                f"`models.clap.{key}` is {json.dumps(front_end[key])} but laion-clap has {fixed} "
                f"built in: write {fixed}, {cure}."
            )
    python = at(config, "runtime", "laion_python", kind=str)
    # A name alone is looked up on the PATH; a path counts from the folder of the study.
    if python and not shutil.which(str(base / python) if os.sep in python else python):
        yield (
            f"`runtime.laion_python` is {json.dumps(python)}, which is no program: give the path "
            "of the python of an environment made from workflow/envs/laion.txt, or null."
        )
