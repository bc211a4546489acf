"""The rules of the import, run by Snakemake: from a hub, from folders, from a file of one's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from checkpoint_folders import change, diffusers_folder, laion, pickled

from audioldm_bench.files import file_sha256, files_in, read_json
from local_hub import serving_hub

ROOT = Path(__file__).parents[2]
OUT = "resources/models/{}/source.json"


@pytest.fixture(scope="module")
def study(tmp_path_factory, system, original):
    """A folder with the system as a .ckpt, as a diffusers folder and on a hub of this machine."""
    base = tmp_path_factory.mktemp("study")
    torch.save({"state_dict": system.state}, base / "mine.ckpt")
    laion(system, original, base / "clap.pt")
    diffusers_folder(system, base / "mine")
    hub = base / "hub/some"
    shutil.copytree(base / "mine", hub / "model")
    for part in ("unet", "vae", "vocoder", "text_encoder"):
        pickled(hub / "model" / part)
    change(hub / "model/unet", attention_head_dim=8)
    system.clap.save_pretrained(hub / "clap")
    (base / "resources/tokenizer").mkdir(parents=True)
    for name, path in (("vocab.json", "vocab"), ("merges.txt", "merges")):
        shutil.copy(system.tokenizer_files[path], base / "resources/tokenizer" / name)
    with serving_hub(base / "hub") as server:
        base_config = {"endpoint": server.endpoint, "checkpoint": "ckpt"}
        yield base, base_config, server


def snakemake(base: Path, published: dict, *targets: str) -> str:
    """Makes the targets; returns what was said."""
    path = base / "study.yaml"
    path.write_text(yaml.safe_dump({"models": {"published": published}}))
    command = [sys.executable, "-m", "snakemake", *targets, "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run(
        [*command, "--directory", str(base), "--cores", "1", "--configfile", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def parts(folder: Path) -> dict[str, str]:
    listed = {str(path.relative_to(folder)): file_sha256(path) for path in files_in(folder)}
    del listed["source.json"]
    return listed


@pytest.mark.slow
def test_every_road_ends_in_the_same_folders(study):
    base, published, server = study
    repository = {"revision": "v1", "licence": "CC BY-NC-SA 4.0"}
    hub_clap = {"repository": "some/clap", "weights": "safetensors", **repository}
    hub = {"repository": "some/model", "weights": "bin", **repository, "clap": hub_clap}
    checkpoints = {
        "ckpt": {"file": "mine.ckpt", "head_channels": 16},
        "folder": {"folder": "mine", "head_channels": 16, "clap": {"file": "clap.pt"}},
        "hub": {**hub, "head_channels": 16},
        "both": {"folder": "mine", "head_channels": 16, "clap": {"checkpoint": "ckpt"}},
    }
    targets = [OUT.format(name) for name in checkpoints]
    said = snakemake(base, {**published, "checkpoints": checkpoints}, *targets)
    found = {name: parts(base / "resources/models" / name) for name in checkpoints}
    assert len(found["ckpt"]) >= 11
    assert all(files == found["ckpt"] for files in found.values())

    assert "[some/model] licence: CC BY-NC-SA 4.0" in said
    assert "attention_head_dim 8 corrected to [2, 4]" in said
    assert "unet: diffusion_pytorch_model.bin" in said
    source = read_json(base / OUT.format("hub"))
    assert source["repository"] == "some/model" and source["revision"] == "v1"
    assert source["clap_source"]["repository"] == "some/clap"
    assert len(read_json(base / "config/checksums.json")) == len(server.paths) == 14

    again = snakemake(base, {**published, "checkpoints": checkpoints}, *targets)
    assert "Nothing to be done" in again
