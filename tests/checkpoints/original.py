"""Checkpoints in the original layout, made from modules of diffusers and transformers.

The inverse of the import, written on its own: by walking the architecture, not by turning the
import's tables round. That the layout is the original one is proved by the digests in
test_checkpoint_layout.py, which were taken from the original code's modules.
"""

from __future__ import annotations

import hashlib
import re

import torch

TO_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
TO_CLAP_BLOCK = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "intermediate.dense": "mlp.fc1",
    "attention.output.dense": "attn.proj",
    "output.dense": "mlp.fc2",
}


def digest(tensors: dict[str, torch.Tensor]) -> str:
    """Of the names and shapes."""
    rows = sorted(f"{name} {list(tensor.shape)}" for name, tensor in tensors.items())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def _places(config) -> dict[str, str]:
    """diffusers' module: the original's, for the blocks of a UNet."""
    widths, layers = config.block_out_channels, config.layers_per_block
    places, number, last = {}, 1, len(widths) - 1
    for level in range(len(widths)):
        for layer in range(layers):
            places[f"down_blocks.{level}.resnets.{layer}"] = f"input_blocks.{number}.0"
            places[f"down_blocks.{level}.attentions.{layer}"] = f"input_blocks.{number}.1"
            number += 1
        if level < last:
            places[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{number}.0.op"
            number += 1
    number = 0
    for level in range(len(widths)):
        attends = config.up_block_types[level].startswith("CrossAttn")
        for layer in range(layers + 1):
            places[f"up_blocks.{level}.resnets.{layer}"] = f"output_blocks.{number}.0"
            places[f"up_blocks.{level}.attentions.{layer}"] = f"output_blocks.{number}.1"
            number += 1
        upsample = f"output_blocks.{number - 1}.{1 + attends}.conv"
        places[f"up_blocks.{level}.upsamplers.0.conv"] = upsample
    places |= {"mid_block.resnets.0": "middle_block.0", "mid_block.attentions.0": "middle_block.1"}
    places |= {"mid_block.resnets.1": "middle_block.2", "conv_in": "input_blocks.0.0"}
    places |= {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2"}
    return places | {"class_embedding": "film_emb", "conv_norm_out": "out.0", "conv_out": "out.2"}


def unet(model) -> dict[str, torch.Tensor]:
    result, places = {}, _places(model.config)
    for name, tensor in model.state_dict().items():
        place = max((p for p in places if name.startswith(p + ".")), key=len)
        inner, _, leaf = name[len(place) + 1 :].rpartition(".")
        inner = TO_RESNET[inner] if "resnets" in place else inner
        result[".".join(filter(None, (places[place], inner, leaf)))] = tensor
    return result


def vae(model) -> dict[str, torch.Tensor]:
    result, top = {}, len(model.config.block_out_channels) - 1
    for name, tensor in model.state_dict().items():
        if ".attentions." in name and ".to_" in name and name.endswith("weight"):
            tensor = tensor[:, :, None, None]
        name = name.replace("mid_block.attentions.0.group_norm", "mid.attn_1.norm")
        name = name.replace("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out")
        name = re.sub(r"mid_block\.attentions\.0\.to_([qkv])", r"mid.attn_1.\1", name)
        name = name.replace("mid_block.resnets.0", "mid.block_1")
        name = name.replace("mid_block.resnets.1", "mid.block_2")
        name = name.replace("samplers.0.conv", "sample.conv")
        name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        name = re.sub(r"down_blocks\.(\d)", r"down.\1", name)
        name = re.sub(r"up_blocks\.(\d)", lambda m: f"up.{top - int(m[1])}", name)
        result[re.sub(r"resnets\.(\d)", r"block.\1", name)] = tensor
    return result


def vocoder(model) -> dict[str, torch.Tensor]:
    state = model.state_dict()
    del state["mean"], state["scale"]
    return {name.replace("upsampler.", "ups."): tensor for name, tensor in state.items()}


def clap(model) -> dict[str, torch.Tensor]:
    state, result = model.state_dict(), {}
    for name, tensor in state.items():
        if name.endswith(("position_ids", "token_type_ids")):
            continue
        if "audio_model" in name and re.search(r"\.self\.(key|value)\.", name):
            continue  # with its query below
        if "audio_model" in name and ".self.query." in name:
            parts = [state[name.replace("query", part)] for part in ("query", "key", "value")]
            tensor, name = torch.cat(parts), name.replace("attention.self.query", "attn.qkv")
        if "audio_model" in name:
            for new, old in TO_CLAP_BLOCK.items():
                name = name.replace(f".{new}.", f".{old}.")
            name = name.replace("attention.self.relative", "attn.relative")
            name = name.replace("batch_norm", "bn0")
        name = name.replace("audio_model.audio_encoder", "audio_branch")
        name = name.replace("text_model", "text_branch")
        name = name.replace("linear1", "0").replace("linear2", "2")
        result[name] = tensor
    return result


def betas() -> torch.Tensor:
    return torch.linspace(0.0015**0.5, 0.0195**0.5, 1000, dtype=torch.float64).square().float()


def unused() -> dict[str, torch.Tensor]:
    """One key of each kind that the original code saves and nothing here needs."""
    clap_model = "cond_stage_model.model."
    names = (
        "alphas_cumprod",
        "posterior_mean_coef2",
        "logvar",
        "model_ema.decay",
        "model_ema.num_updates",
        clap_model + "audio_branch.tscam_conv.weight",
        clap_model + "audio_branch.head.bias",
        clap_model + "audio_transform.sequential.3.weight",
        clap_model + "text_transform.sequential.0.bias",
        clap_model + "audio_branch.spectrogram_extractor.stft.conv_real.weight",
        clap_model + "audio_branch.logmel_extractor.melW",
        clap_model + "audio_branch.layers.2.blocks.5.attn_mask",
        clap_model + "text_branch.embeddings.position_ids",
    )
    return {name: torch.zeros(1) for name in names}


def state_dict(raw_unet, ema_unet, vae_model, vocoder_model, clap_model) -> dict[str, torch.Tensor]:
    """The whole system as the original code saves it."""
    averaged = {"diffusion_model." + k: v for k, v in unet(ema_unet).items()}
    parts = {
        "model.diffusion_model.": unet(raw_unet),
        "model_ema.": {name.replace(".", ""): tensor for name, tensor in averaged.items()},
        "first_stage_model.": vae(vae_model),
        "first_stage_model.vocoder.": vocoder(vocoder_model),
        "cond_stage_model.model.": clap(clap_model),
    }
    whole = {prefix + name: t for prefix, part in parts.items() for name, t in part.items()}
    whole |= {"scale_factor": torch.tensor(0.75), "betas": betas()}
    return {name: tensor.clone() for name, tensor in (whole | unused()).items()}
