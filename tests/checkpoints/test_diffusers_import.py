"""A diffusers folder gives what the .ckpt of the same weights gives, file for file."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoint_folders import change, diffusers_folder, laion, old_attention, pickled

from audioldm_bench.checkpoints import import_audioldm, import_diffusers
from audioldm_bench.checkpoints.captions import CAPTIONS
from audioldm_bench.files import file_sha256, files_in, read_json

PARTS = ("unet", "vae", "vocoder", "clap", "scheduler")


@pytest.fixture(scope="module")
def of_ckpt(system, tmp_path_factory) -> Path:
    """Component folders imported from the .ckpt, which is beside them."""
    folder = tmp_path_factory.mktemp("of_ckpt")
    torch.save({"state_dict": system.state}, folder / "small.ckpt")
    import_audioldm(
        folder / "small.ckpt",
        folder / "small",
        tokenizer_files=system.tokenizer_files,
        clap_config=system.clap_config,
        head_channels=16,
    )
    return folder / "small"


@pytest.fixture
def folder(system, tmp_path) -> Path:
    return diffusers_folder(system, tmp_path / "hub")


@pytest.fixture
def imported(system, of_ckpt, folder, tmp_path):
    """Imports the folder as it is by then; returns (component folders, source)."""

    def run(clap: Path | None = None) -> tuple[Path, dict]:
        out = tmp_path / "models" / "small"
        source = import_diffusers(
            folder,
            out,
            clap=clap or of_ckpt.parent / "small.ckpt",
            clap_config=system.clap_config,
            head_channels=16,
            origin={"repository": "some/one"},
        )
        return out, source

    return run


def same_files(ours: Path, theirs: Path) -> bool:
    """Whether the component folders hold the same names and bytes."""
    listed = [
        {
            str(path.relative_to(root)): file_sha256(path)
            for part in PARTS
            for path in files_in(root / part)
        }
        for root in (ours, theirs)
    ]
    assert len(listed[0]) >= 11
    return listed[0] == listed[1]


def test_the_same_files_as_from_the_ckpt(imported, of_ckpt):
    out, source = imported()
    assert same_files(out, of_ckpt)
    assert source == read_json(out / "source.json")
    assert source["corrections"] == [] and source["repository"] == "some/one"
    assert source["size"] == "32 channels" and source["scale_factor"] == 0.75
    assert source["parameters"] == read_json(of_ckpt / "source.json")["parameters"]
    assert "raw" in source["unet_weights"]


def test_every_weight_is_accounted_for(imported, folder, system):
    _, source = imported()
    read = sum(
        len(getattr(system, name).state_dict()) for name in ("unet", "vae", "vocoder")
    ) + sum(key.startswith("text_") for key in system.clap.state_dict())
    of_folder = ("unet", "vae", "vocoder", "text tower")
    used = sum(source["keys_used"][name] for name in of_folder)
    assert used + source["keys_unused"]["constants, computed anew"] == read
    assert source["keys_unused"]["constants, computed anew"] == 4
    for file, sum_ in source["files"].items():
        assert file_sha256(folder / file) == sum_
    assert len(source["files"]) == 4


def test_pickles_of_older_releases(imported, of_ckpt, folder):
    for part in ("unet", "vocoder", "text_encoder"):
        pickled(folder / part)
    pickled(folder / "vae", rename=old_attention)
    out, source = imported()
    assert same_files(out, of_ckpt)
    assert all(name.endswith(".bin") for name in source["files"])


def test_safetensors_go_before_a_pickle(imported, of_ckpt, folder, capsys):
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"not a pickle")
    out, _ = imported()
    assert same_files(out, of_ckpt)
    assert "unet: diffusion_pytorch_model.safetensors" in capsys.readouterr().err


def test_half_precision_is_stored_as_single(imported, folder, system):
    from checkpoint_folders import rewrite
    from safetensors.torch import load_file

    rewrite(folder / "unet", lambda state: {key: t.half() for key, t in state.items()})
    out, _ = imported()
    found = load_file(out / "unet" / "diffusion_pytorch_model.safetensors")
    assert {t.dtype for t in found.values()} == {torch.float32}
    wanted = system.unet.state_dict()["conv_in.weight"].half().float()
    assert torch.equal(found["conv_in.weight"], wanted)


@pytest.mark.parametrize("default", [8, [8, 8], None])
def test_default_heads_are_corrected(imported, of_ckpt, folder, default, capsys):
    change(folder / "unet", attention_head_dim=default)
    out, source = imported()
    assert same_files(out, of_ckpt)
    assert "attention_head_dim 8" in (err := capsys.readouterr().err) or "[8, 8]" in err
    (correction,) = source["corrections"]
    assert correction["used"] == [2, 4] and correction["found"] == (default or 8)


def test_layer_norm_of_the_text_tower_is_roberta(imported, of_ckpt, folder, capsys):
    change(folder / "text_encoder", layer_norm_eps=1e-12)
    out, source = imported()
    assert same_files(out, of_ckpt)
    assert read_json(out / "clap/config.json")["text_config"]["layer_norm_eps"] == 1e-5
    assert [c["found"] for c in source["corrections"]] == [1e-12]
    assert "layer_norm_eps 1e-12 corrected to 1e-05" in capsys.readouterr().err


def test_what_differs_without_meaning_is_let_pass(imported, of_ckpt, folder):
    change(folder / "unet", sample_size=64, _name_or_path="x", later_option=False)
    change(folder / "vae", sample_size=256, force_upcast=False)
    out, _ = imported()
    assert same_files(out, of_ckpt)


# ------------------------------------------------------------------------ sources of CLAP
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_clap_of_a_laion_checkpoint(imported, of_ckpt, system, original, tmp_path, prefix):
    path = tmp_path / "clap.pt"
    laion(system, original, path, prefix=prefix, best=np.float64(0.5), optimizer={"lr": 1})
    out, source = imported(path)
    assert same_files(out, of_ckpt)
    assert source["clap"]["format"] == "laion-clap checkpoint"
    assert source["clap"]["sha256"] == file_sha256(path)
    assert source["clap"]["smallest_cosine"] > 0.9999 and source["clap"]["captions"] == 50
    assert source["keys_unused"]["transforms that embeddings do not pass"] == 2


@pytest.mark.parametrize("as_pickle", [False, True])
def test_clap_of_a_transformers_folder(imported, of_ckpt, system, tmp_path, as_pickle):
    system.clap.save_pretrained(tmp_path / "clap")
    if as_pickle:
        pickled(tmp_path / "clap")
    out, source = imported(tmp_path / "clap")
    assert same_files(out, of_ckpt)
    assert source["clap"]["format"] == "transformers ClapModel"


def test_the_audio_tower_is_the_sources(imported, system, original, tmp_path):
    from safetensors.torch import load_file

    path = laion(system, original, tmp_path / "clap.pt")
    content = torch.load(path, weights_only=True)
    content["state_dict"]["module.audio_branch.norm.bias"] += 1
    torch.save(content, path)
    out, _ = imported(path)
    name = "audio_model.audio_encoder.norm.bias"
    found = load_file(out / "clap" / "model.safetensors")[name]
    assert torch.equal(found, system.clap.state_dict()[name] + 1)


def test_the_captions_are_fifty_different_ones():
    assert len(set(CAPTIONS)) == len(CAPTIONS) == 50


def test_a_good_import_outlives_a_bad_one(imported, folder):
    from audioldm_bench.errors import UserError

    out, _ = imported()
    before = {path: file_sha256(path) for path in files_in(out)}
    shutil.rmtree(folder / "vocoder")
    with pytest.raises(UserError, match="vocoder"):
        imported()
    assert before == {path: file_sha256(path) for path in files_in(out)}
    assert [path.name for path in out.parent.iterdir()] == ["small"]
