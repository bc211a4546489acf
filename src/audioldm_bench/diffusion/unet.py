"""The UNet that predicts the noise, conditioned by FiLM as AudioLDM's (study.md: "Diffusion").

The CLAP embedding enters as a class embedding, concatenated to the time embedding; there is no
text to attend to, so the second attention of each block attends to the latents too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from diffusers import __version__ as diffusers_version
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file

from .. import seeds
from ..errors import UserError
from ..files import read_json, write_atomically, write_json
from ..pretrained import load_pretrained

WEIGHTS = "diffusion_pytorch_model.safetensors"
FILM = {"class_embed_type": "simple_projection", "class_embeddings_concat": True}


def build_unet(settings: Mapping) -> UNet2DConditionModel:
    """A UNet of these UNet2DConditionModel arguments, FiLM where they do not say otherwise.

    UserError on arguments that the class does not know or that do not fit each other.
    """
    try:
        unet = UNet2DConditionModel(**(FILM | dict(settings)))
    except (TypeError, ValueError) as error:
        raise UserError(f"the UNet's settings are wrong: {error}") from None
    if unet.config.class_embed_type != "simple_projection":
        raise UserError(
            f"the UNet's class_embed_type is {unet.config.class_embed_type!r}; AudioLDM is"
            ' conditioned by "simple_projection"'
        )
    for name, block in unet.named_modules():
        # Without hidden states to attend to, this attention reads the block's own channels.
        if isinstance(block, BasicTransformerBlock) and block.attn2 is not None:
            wanted, found = block.attn2.query_dim, block.attn2.cross_attention_dim
            if wanted != found:
                raise UserError(
                    f"the UNet's cross_attention_dim is {found} where {name} has {wanted} channels;"
                    " set cross_attention_dim to the same list as block_out_channels"
                )
    return unet


def initial_unet(settings: Mapping, seed: int) -> UNet2DConditionModel:
    """A UNet to train from scratch: the same seed gives the same weights.

    The last layer of each residual block, of each attention and of the whole starts at zero, so
    that training starts from the prediction 0 [code]; diffusers draws them at random.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive(seed, "unet"))
        unet = build_unet(settings)
    last = [unet.conv_out]
    last += [m.conv2 for m in unet.modules() if isinstance(m, ResnetBlock2D)]
    last += [m.proj_out for m in unet.modules() if isinstance(m, Transformer2DModel)]
    for layer in last:
        for parameter in layer.parameters():
            torch.nn.init.zeros_(parameter)
    return unet


def predict_noise(
    unet: UNet2DConditionModel,
    noisy: torch.Tensor,
    timesteps: torch.Tensor,
    condition: torch.Tensor,
) -> torch.Tensor:
    """eps_theta(z_n, n, E) of Eq. 3: (B, C, T, F), (B,) or a scalar, (B, P) to (B, C, T, F)."""
    return unet(
        noisy, timesteps, encoder_hidden_states=None, class_labels=condition, return_dict=False
    )[0]


def settings_of(unet: UNet2DConditionModel) -> dict:
    """All arguments the UNet was built with, as JSON holds them."""
    own = {name: value for name, value in unet.config.items() if not name.startswith("_")}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in own.items()}


def read_settings(folder: Path) -> dict:
    """The UNet2DConditionModel arguments in a folder's config.json. UserError without one."""
    path = Path(folder) / "config.json"
    if not path.is_file():
        raise UserError(f"{path} is missing: {folder} is no UNet folder; delete it and run again")
    return {name: value for name, value in read_json(path).items() if not name.startswith("_")}


def load_unet(folder: Path) -> UNet2DConditionModel:
    """The UNet in `folder` (diffusers' format), frozen, on this machine's device."""
    return load_pretrained(UNet2DConditionModel, folder)


def save_unet(
    unet: UNet2DConditionModel, folder: Path, weights: Mapping[str, torch.Tensor] | None = None
) -> None:
    """Writes diffusers' folder: config.json and safetensors, the same bytes for the same weights.

    `weights` (all of them, by name) take the place of the UNet's own, as with an adapter merged in.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = {"_class_name": "UNet2DConditionModel", "_diffusers_version": diffusers_version}
    write_json(folder / "config.json", names | settings_of(unet))
    tensors = unet.state_dict() if weights is None else weights
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with write_atomically(folder / WEIGHTS) as draft:
        save_file(tensors, draft, metadata={"format": "pt"})
