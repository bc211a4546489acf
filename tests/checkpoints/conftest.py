"""A small system with random weights, and its checkpoint in the original layout."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from audioldm_bench.files import read_json
from audioldm_bench.tokenizer import train_tokenizer


def _load_original():
    path = Path(__file__).with_name("original.py")
    spec = importlib.util.spec_from_file_location("original_layout", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def original():
    """The module original.py beside this file."""
    return _load_original()


def randomise(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Every parameter and running statistic random, so that no two could be confused."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(noise, alpha=0.05)
        for name, buffer in model.named_buffers():
            if "running" in name:
                buffer.add_(torch.rand(buffer.shape, generator=generator))
    return model.eval()


def small_unet(seed: int):
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    torch.manual_seed(0)
    model = UNet2DConditionModel(
        sample_size=128,
        in_channels=4,
        out_channels=4,
        down_block_types=["DownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types=["CrossAttnUpBlock2D", "UpBlock2D"],
        block_out_channels=[32, 64],
        cross_attention_dim=[32, 64],
        layers_per_block=1,
        attention_head_dim=[2, 4],
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=16,
        class_embeddings_concat=True,
    )
    return randomise(model, seed)


def small_vae():
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    torch.manual_seed(0)
    model = AutoencoderKL(
        in_channels=1,
        out_channels=1,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[32, 64],
        latent_channels=4,
        layers_per_block=1,
    )
    return randomise(model, 2)


def small_vocoder():
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    torch.manual_seed(0)
    config = SpeechT5HifiGanConfig(
        model_in_dim=64,
        upsample_initial_channel=32,
        upsample_rates=[5, 4, 2, 2, 2],
        upsample_kernel_sizes=[16, 16, 8, 4, 4],
        normalize_before=False,
    )
    return randomise(SpeechT5HifiGan(config), 3)


def small_clap(vocab_size: int):
    from transformers import ClapConfig, ClapModel

    torch.manual_seed(0)
    shared = {"projection_dim": 16, "projection_hidden_act": "relu"}
    text = {
        "vocab_size": vocab_size,
        "hidden_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 96,
        "max_position_embeddings": 40,
        "layer_norm_eps": 1e-5,
    }
    audio = {
        "patch_embeds_hidden_size": 8,
        "depths": [2, 1, 1, 1],
        "num_attention_heads": [1, 2, 4, 8],
        "hidden_size": 64,
    }
    config = ClapConfig(text_config=text | shared, audio_config=audio | shared, projection_dim=16)
    return randomise(ClapModel(config), 4)


@pytest.fixture(scope="session")
def system(tmp_path_factory, original):
    """Modules, the tokenizer's files, and `state`: the checkpoint's state dict."""
    tokenizer = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(["a dog barks", "rain on a roof"] * 4, tokenizer, 270)
    vocab_size = len(read_json(tokenizer / "vocab.json"))
    assert vocab_size == 270
    parts = SimpleNamespace(
        raw=small_unet(0),
        unet=small_unet(1),
        vae=small_vae(),
        vocoder=small_vocoder(),
        clap=small_clap(vocab_size),
    )
    parts.tokenizer_files = {
        "vocab": tokenizer / "vocab.json",
        "merges": tokenizer / "merges.txt",
    }
    config = Path(__file__).parents[2] / "config" / "config.yaml"
    parts.clap_config = yaml.safe_load(config.read_text())["models"]["clap"]
    modules = (parts.raw, parts.unet, parts.vae, parts.vocoder, parts.clap)
    parts.state = original.state_dict(*modules)
    return parts


@pytest.fixture
def save(tmp_path):
    """Saves a state dict as a checkpoint, with the bookkeeping of training beside it."""

    def write(state: dict, **bookkeeping: object) -> Path:
        path = tmp_path / "model.ckpt"
        torch.save({"state_dict": state, "epoch": 3, **bookkeeping}, path)
        return path

    return write
