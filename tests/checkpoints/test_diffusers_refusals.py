"""A folder that is not AudioLDM to the last key, or has another CLAP, is refused by name."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import torch
from checkpoint_folders import change, diffusers_folder, laion, pickled, rewrite

from audioldm_bench.checkpoints import import_diffusers
from audioldm_bench.checkpoints.clap_sources import check_depths, read_clap
from audioldm_bench.checkpoints.weights import Weights
from audioldm_bench.errors import UserError
from audioldm_bench.files import write_json


@pytest.fixture
def folder(system, tmp_path) -> Path:
    return diffusers_folder(system, tmp_path / "hub")


@pytest.fixture
def refused(system, original, folder, tmp_path):
    """Imports the folder as it is by then; returns the message, having checked that nothing
    was left."""

    def attempt(clap: Path | None = None) -> str:
        if clap is None:
            clap = laion(system, original, tmp_path / "clap.pt")
        out = tmp_path / "models" / "small"
        with pytest.raises(UserError) as caught:
            import_diffusers(
                folder, out, clap=clap, clap_config=system.clap_config, head_channels=16
            )
        assert not list(out.parent.iterdir()), "something was left behind"
        assert str(folder) in str(caught.value)
        return str(caught.value)

    return attempt


# --------------------------------------------------------------------------- the audio tower
def other_clap(system, seed: int):
    """A CLAP of the same sizes whose text tower is another."""
    from transformers import ClapModel

    model = ClapModel(system.clap.config)
    model.load_state_dict(system.clap.state_dict())
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith("text_projection"):
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    return model


def test_audio_tower_of_another_clap(refused, system, tmp_path):
    other_clap(system, 5).save_pretrained(tmp_path / "other")
    message = refused(tmp_path / "other")
    assert str(tmp_path / "other") in message and "transformers ClapModel" in message
    figure = float(re.search(r"cosine of 50 captions is (-?[\d.]+)", message)[1])
    assert figure < 0.999 and "0.999 is the least" in message
    assert "`clap`" in message and ".ckpt of the same model" in message


def test_audio_tower_of_another_width(refused, system, original, tmp_path):
    path = laion(system, original, tmp_path / "clap.pt", prefix="")
    content = torch.load(path, weights_only=True)
    for name in ("text_projection.2.weight", "text_projection.2.bias"):
        content["state_dict"][name] = content["state_dict"][name][:8].clone()
    torch.save(content, path)
    assert "embeds into 16 numbers" in refused(path)


def test_audio_tower_that_lost_blocks(original):
    from transformers import ClapConfig, ClapModel

    for width, depths, whole in ((96, [2, 2, 6, 2], True), (128, [2, 2, 6, 2], False)):
        audio = {"patch_embeds_hidden_size": width, "depths": depths, "hidden_size": 8 * width}
        with torch.device("meta"):
            model = ClapModel(ClapConfig(text_config={}, audio_config=audio))
        layout = Weights(original.clap(model), "")
        if whole:
            check_depths(layout)
            continue
        with pytest.raises(UserError, match=re.escape("[2, 2, 6, 2] blocks")):
            check_depths(layout)


def test_sources_that_are_no_clap(refused, tmp_path, system, original):
    assert "does not exist" in refused(tmp_path / "none.pt")
    torch.save({"state_dict": {"conv.weight": torch.zeros(3)}}, tmp_path / "other.pt")
    assert "1 unknown keys: conv.weight" in refused(tmp_path / "other.pt")
    (tmp_path / "empty").mkdir()
    assert "has no weights" in refused(tmp_path / "empty")
    path = laion(system, original, tmp_path / "clap.pt", prefix="")
    content = torch.load(path, weights_only=True)
    content["state_dict"].pop("audio_branch.layers.1.downsample.norm.bias")
    torch.save(content, path)
    message = refused(path)
    assert "layers.1.downsample.norm.bias" in message


def test_transformers_folder_of_another_clap(system, tmp_path):
    folder = tmp_path / "clap"
    system.clap.save_pretrained(folder)
    shutil.copy(folder / "config.json", tmp_path)
    for audio, named in (
        ({"enable_fusion": True}, "enable_fusion is True"),
        ({"depths": [2, 1, 2, 1]}, "depths is [2, 1, 2, 1]"),
    ):
        config = system.clap.config.to_dict()
        config["audio_config"] |= audio
        write_json(folder / "config.json", {"audio_config": config["audio_config"]})
        with pytest.raises(UserError, match=re.escape(named)):
            read_clap(folder)
    shutil.copy(tmp_path / "config.json", folder)
    rewrite(folder, lambda state: state | {"audio_model.fusion.weight": torch.zeros(1)})
    with pytest.raises(UserError, match="1 unknown keys: audio_model.fusion.weight"):
        read_clap(folder)


def test_transformers_folder_without_a_key(system, tmp_path):
    system.clap.save_pretrained(tmp_path)
    name = "audio_model.audio_encoder.layers.0.blocks.1.attention.self.value.weight"
    rewrite(tmp_path, lambda state: {k: v for k, v in state.items() if k != name})
    with pytest.raises(UserError, match=name):
        read_clap(tmp_path)


# -------------------------------------------------------------------------------- the configs
@pytest.mark.parametrize("heads", [[1, 2], 4, [4, 8]])
def test_heads_that_are_neither_right_nor_the_default(refused, folder, heads):
    change(folder / "unet", attention_head_dim=heads)
    message = refused()
    assert "unet/config.json: attention_head_dim is" in message and "[2, 4]" in message


def test_heads_under_the_other_name(refused, folder):
    change(folder / "unet", num_attention_heads=4)
    assert "num_attention_heads is 4" in refused()


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("unet", {"act_fn": "gelu"}, "unet/config.json: act_fn is gelu"),
        ("unet", {"time_cond": "on"}, "time_cond is on, which is unknown"),
        ("unet", {"block_out_channels": None}, "lacks block_out_channels"),
        ("unet", {"layers_per_block": 2}, "the UNet does not fit its file"),
        ("vae", {"scaling_factor": None}, "scaling_factor is None"),
        ("vae", {"scaling_factor": 0.18215}, "the library's default"),
        ("vae", {"scaling_factor": -1.0}, "not a positive number"),
        ("vae", {"norm_num_groups": 16}, "norm_num_groups is 16"),
        ("vocoder", {"sampling_rate": 22050}, "sampling_rate is 22050"),
        ("vocoder", {"normalize_before": None}, "normalize_before is True"),
        ("vocoder", {"upsample_rates": [5, 4, 4, 2, 1]}, "upsample_rates is [5, 4, 4, 2, 1]"),
        ("vocoder", {"leaky_relu_slope": 0.2}, "leaky_relu_slope is 0.2"),
        ("text_encoder", {"layer_norm_eps": 1e-6}, "layer_norm_eps is 1e-06"),
        ("text_encoder", {"hidden_act": "relu"}, "hidden_act is relu"),
        ("scheduler", {"beta_end": 0.02}, "beta_end is 0.02, AudioLDM's is 0.0195"),
        ("scheduler", {"prediction_type": "v_prediction"}, "prediction_type is v_prediction"),
        ("scheduler", {"beta_schedule": None}, "lacks beta_schedule"),
    ],
)
def test_config_of_another_model(refused, folder, part, value, named):
    change(folder / part, **value)
    assert named in refused()


def test_other_pipelines(refused, folder):
    write_json(folder / "model_index.json", {"_class_name": "AudioLDM2Pipeline"})
    assert "is of AudioLDM2Pipeline" in refused()


def test_text_encoder_with_both_towers(refused, system, folder):
    system.clap.save_pretrained(folder / "text_encoder")
    assert "more than a text tower" in refused()


def test_size_that_is_not_published(system, original, folder, tmp_path):
    with pytest.raises(UserError, match="pass head_channels"):
        import_diffusers(
            folder,
            tmp_path / "out",
            clap=laion(system, original, tmp_path / "clap.pt"),
            clap_config=system.clap_config,
        )


# -------------------------------------------------------------------------------- the weights
KEYS = {
    "unet": "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight",
    "vae": "decoder.up_blocks.0.resnets.1.conv2.bias",
    "vocoder": "resblocks.3.convs2.1.bias",
    "text_encoder": "text_model.encoder.layer.1.output.dense.weight",
}


@pytest.mark.parametrize("part", KEYS)
def test_missing_weight(refused, folder, part):
    rewrite(folder / part, lambda state: {k: v for k, v in state.items() if k != KEYS[part]})
    message = refused()
    assert KEYS[part] in message and "have no key" in message


@pytest.mark.parametrize("part", KEYS)
def test_unknown_weight(refused, folder, part):
    rewrite(folder / part, lambda state: state | {KEYS[part] + "_g": torch.zeros(2)})
    message = refused()
    assert "1 unknown keys" in message and KEYS[part] + "_g" in message


@pytest.mark.parametrize("part", KEYS)
def test_wrong_shape(refused, folder, part):
    rewrite(folder / part, lambda state: state | {KEYS[part]: state[KEYS[part]][:-1].clone()})
    message = refused()
    assert KEYS[part] in message and "shape" in message


def test_vocoder_that_normalises(refused, folder):
    rewrite(folder / "vocoder", lambda state: state | {"mean": torch.ones(64)})
    assert "mean is not 0.0" in refused()


def test_text_tower_with_other_positions(refused, folder):
    key = "text_model.embeddings.position_ids"
    rewrite(folder / "text_encoder", lambda state: state | {key: state[key] + 1})
    assert "position_ids does not count from 0" in refused()


def test_tokenizer_of_another_size(refused, folder, tmp_path):
    from audioldm_bench.tokenizer import train_tokenizer

    train_tokenizer(["nothing"], tmp_path / "other", 261)
    shutil.copy(tmp_path / "other" / "vocab.json", folder / "tokenizer")
    shutil.copy(tmp_path / "other" / "merges.txt", folder / "tokenizer")
    assert "the text model embeds" in refused()


# ---------------------------------------------------------------------------------- the files
@pytest.mark.parametrize(
    ("gone", "named"),
    [
        ("unet/config.json", "unet/config.json is missing"),
        ("unet/diffusion_pytorch_model.safetensors", "unet has no weights"),
        ("vae", "vae/config.json is missing"),
        ("vocoder/model.safetensors", "neither model.safetensors nor pytorch_model.bin"),
        ("text_encoder", "text_encoder/config.json is missing"),
        ("tokenizer/merges.txt", "tokenizer's files cannot be read"),
        ("scheduler", "scheduler_config.json is missing"),
    ],
)
def test_missing_file(refused, folder, gone, named):
    path = folder / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert named in refused()


def test_files_that_cannot_be_read(refused, folder):
    (folder / "vae" / "config.json").write_text("<html>404</html>")
    assert "cannot be read as JSON" in refused()
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"version https://git")
    assert "cannot be read as safetensors" in refused()


def test_no_folder(system, tmp_path):
    with pytest.raises(UserError, match="is not a folder"):
        import_diffusers(tmp_path / "no", tmp_path / "out", clap=tmp_path, clap_config={})


class Evil:
    def __init__(self, command: str):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_code_in_a_pickle_does_not_run(refused, folder, tmp_path):
    pickled(folder / "unet")
    path = folder / "unet" / "diffusion_pytorch_model.bin"
    trace = tmp_path / "trace"
    state = torch.load(path, weights_only=True)
    torch.save(state | {"evil": Evil(f"touch {trace}")}, path)
    message = refused()
    assert not trace.exists()
    assert str(path) in message and ("cannot be read" in message or "no tensors" in message)
