"""LoRA by peft: an adapter learns beside frozen weights (Hu et al. 2021, arXiv 2106.09685)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file

from .. import seeds
from ..errors import UserError
from ..files import write_atomically

ADAPTER = "pytorch_lora_weights.safetensors"  # diffusers' own name for it
_NAME = "default"  # peft's name of the one adapter


def add_adapter(unet: UNet2DConditionModel, settings: Mapping, seed: int) -> None:
    """Freezes the UNet and puts the adapter beside the layers that end in one of `targets`.

    `settings`: rank, alpha, targets of `training.lora`. The adapter changes nothing at first; the
    same seed gives the same one. UserError on a target that there is not.
    """
    from peft import LoraConfig

    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    layers = [f".{name}" for name, layer in unet.named_modules() if isinstance(layer, kinds)]
    for target in settings["targets"]:
        if not any(name.endswith(f".{target}") for name in layers):
            some = sorted({name.rpartition(".")[2] for name in layers} - {"0", "1", "2"})
            raise UserError(
                f"training.lora.targets: no layer of the UNet ends in {target!r}; there are"
                f" {', '.join(some)}"
            )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, "lora"))
        unet.add_adapter(
            LoraConfig(
                r=settings["rank"],
                lora_alpha=settings["alpha"],
                target_modules=sorted(settings["targets"]),
            ),
            _NAME,
        )


def has_adapter(unet: UNet2DConditionModel) -> bool:
    return _NAME in getattr(unet, "peft_config", {})


@torch.no_grad()
def merged_weights(unet: UNet2DConditionModel) -> dict[str, torch.Tensor]:
    """All weights by the names of a UNet without adapter, the adapter's product added."""
    weights = {
        name.replace(".base_layer.", "."): tensor
        for name, tensor in unet.state_dict().items()
        if ".lora_" not in name
    }
    for name, layer in unet.named_modules():
        if hasattr(layer, "get_delta_weight"):
            weights[f"{name}.weight"] = layer.base_layer.weight + layer.get_delta_weight(_NAME)
    return weights


def save_adapter(unet: UNet2DConditionModel, path: Path) -> None:
    """The adapter alone; diffusers' `load_lora_adapter(..., prefix=None)` reads it."""
    from diffusers.loaders.lora_base import LORA_ADAPTER_METADATA_KEY
    from peft.utils import get_peft_model_state_dict

    settings = unet.peft_config[_NAME].to_dict().items()
    about = {key: sorted(v) if isinstance(v, set) else v for key, v in settings}
    tensors = get_peft_model_state_dict(unet, adapter_name=_NAME)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with write_atomically(path) as draft:
        save_file(
            tensors,
            draft,
            metadata={"format": "pt", LORA_ADAPTER_METADATA_KEY: json.dumps(about, sort_keys=True)},
        )
