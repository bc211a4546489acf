"""Full-size layouts: names and shapes as the original code's modules have them, and back.

The digests were taken from modules that the authors' published code built (AudioLDM 4054cb4, sizes
S, M and L); they cover the names and shapes of every key.
"""

from __future__ import annotations

import pytest
import torch

from audioldm_bench.checkpoints.clap import audio_config, convert_clap, text_config
from audioldm_bench.checkpoints.unet import convert_unet, unet_config
from audioldm_bench.checkpoints.vae import convert_vae
from audioldm_bench.checkpoints.vocoder import convert_vocoder
from audioldm_bench.checkpoints.weights import Weights
from audioldm_bench.errors import UserError

UNETS = {
    "S": (128, [4, 8, 12, 20], 185_036_552, "0228362fd323da94"),
    "M": (192, [6, 12, 18, 30], 415_954_568, "9f7d2d678231977f"),
    "L": (256, [4, 8, 12, 20], 739_139_080, "7c7d006369bdf6f6"),
}
VAE = (55_376_873, "19149ac0ac06575c")
VOCODER = (55_264_897, "5537d1ab6014ff1a")
CLAPS = {
    "tiny": (96, [2, 2, 6, 2], 153_492_890, "8bcabd0d47fded40"),
    "base": (128, [2, 2, 12, 2], 193_913_882, "1e504e0350c36010"),
}


def _parameters(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def _same(model: torch.nn.Module, other: torch.nn.Module) -> bool:
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (model, other)]
    return shapes[0] == shapes[1]


def _published_unet(channels: int, heads: list[int]):
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    widths = [channels * factor for factor in (1, 2, 3, 5)]
    with torch.device("meta"):
        return UNet2DConditionModel(
            sample_size=128,
            in_channels=8,
            out_channels=8,
            down_block_types=["DownBlock2D"] + ["CrossAttnDownBlock2D"] * 3,
            up_block_types=["CrossAttnUpBlock2D"] * 3 + ["UpBlock2D"],
            block_out_channels=widths,
            cross_attention_dim=widths,
            layers_per_block=2,
            attention_head_dim=heads,
            class_embed_type="simple_projection",
            projection_class_embeddings_input_dim=512,
            class_embeddings_concat=True,
        )


@pytest.mark.parametrize("size", UNETS)
def test_unet_of_each_size(size, original):
    channels, heads, parameters, digest = UNETS[size]
    model = _published_unet(channels, heads)
    layout = original.unet(model)
    assert original.digest(layout) == digest and len(layout) == 690
    again = convert_unet(Weights(layout, "model.diffusion_model."))
    assert _same(model, again) and _parameters(again) == parameters
    ours, published = dict(again.config), dict(model.config)
    assert {k: ours[k] for k in published if k != "_use_default_values"} == {
        k: v for k, v in published.items() if k != "_use_default_values"
    }


@torch.no_grad()
def test_full_size_unet_gives_the_same_output(original):
    channels, heads, *_ = UNETS["S"]
    model = _published_unet(channels, heads).to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter.normal_(std=0.02, generator=generator)
    again = convert_unet(Weights(original.unet(model), ""))
    latents = torch.randn(1, 8, 16, 16, generator=generator)
    condition = torch.randn(1, 512, generator=generator)
    outputs = [m(latents, 417, None, class_labels=condition).sample for m in (model, again)]
    assert outputs[0].abs().mean() > 1e-3 and torch.equal(*outputs)


def test_film_by_addition_is_seen(original):
    config = unet_config(Weights(original.unet(_published_unet(128, [4, 8, 12, 20])), ""))
    assert config["class_embeddings_concat"] is True
    layout = original.unet(_published_unet(128, [4, 8, 12, 20]))
    narrow = {
        key: t[:, : t.shape[1] // 2] if key.endswith("emb_layers.1.weight") else t
        for key, t in layout.items()
    }
    assert unet_config(Weights(narrow, ""))["class_embeddings_concat"] is False


def test_unpublished_width_asks_for_the_heads(original):
    layout = Weights(original.unet(_published_unet(64, [2, 4, 6, 10])), "")
    with pytest.raises(UserError, match="64 channels.*pass head_channels"):
        convert_unet(layout)
    assert convert_unet(layout, 16).config.attention_head_dim == [4, 8, 12, 20]
    with pytest.raises(UserError, match="no multiples of 48"):
        convert_unet(layout, 48)


def test_vae(original):
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    with torch.device("meta"):
        model = AutoencoderKL(
            in_channels=1,
            out_channels=1,
            down_block_types=["DownEncoderBlock2D"] * 3,
            up_block_types=["UpDecoderBlock2D"] * 3,
            block_out_channels=[128, 256, 512],
            latent_channels=8,
            layers_per_block=2,
        )
    layout = original.vae(model)
    assert (_parameters(model), original.digest(layout)) == VAE
    again = convert_vae(Weights(layout, "first_stage_model."), 0.5)
    assert _same(model, again) and again.config.scaling_factor == 0.5


def test_vocoder(original):
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    config = SpeechT5HifiGanConfig(
        model_in_dim=64,
        upsample_initial_channel=1024,
        upsample_rates=[5, 4, 2, 2, 2],
        upsample_kernel_sizes=[16, 16, 8, 4, 4],
        normalize_before=False,
    )
    with torch.device("meta"):
        model = SpeechT5HifiGan(config)
    layout = original.vocoder(model)
    assert (_parameters(model), original.digest(layout)) == VOCODER
    again = convert_vocoder(Weights(layout, "first_stage_model.vocoder."))
    assert _same(model, again) and again.config.normalize_before is False


@pytest.mark.parametrize("kind", CLAPS)
def test_clap_of_each_kind(kind, original):
    from transformers import ClapConfig, ClapModel

    width, depths, parameters, digest = CLAPS[kind]
    audio = {"patch_embeds_hidden_size": width, "depths": depths, "hidden_size": 8 * width}
    config = ClapConfig(text_config={}, audio_config=audio)
    with torch.device("meta"):
        model = ClapModel(config)
    layout = Weights(original.clap(model), "cond_stage_model.model.")
    assert (_parameters(model), original.digest(layout)) == (parameters, digest)
    assert _same(model, convert_clap(layout))
    found, published = audio_config(layout), config.audio_config.to_dict()
    assert found == {key: published[key] for key in found} | {"patch_stride": [4, 4]}
    published = config.text_config.to_dict() | {"layer_norm_eps": 1e-5}
    assert text_config(layout) == {key: published[key] for key in text_config(layout)}
