"""CLAP by laion-clap's own code, on the weights of the same folder (docs/models.md: "CLAP's code").

laion-clap pins numpy below 2, so it lives in an environment of its own (workflow/envs/laion.yml).
Of the package only `clap_module` is imported, as the package itself names it: `laion_clap` asks the
hub for three tokenizers when it is imported.
"""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import torch

from .checkpoints.clap import audio_config, translate
from .checkpoints.reader import listing, read_tensors
from .checkpoints.weights import Source, Weights, fill
from .clap import Clap
from .clap_front_end import PREPROCESSOR, ClapLogMel, read_front_end
from .errors import UserError
from .pretrained import device
from .tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import ClapConfig

SIZES = {96: "HTSAT-tiny", 128: "HTSAT-base"}  # width of the patches: laion-clap's name
# What a folder does not hold and laion-clap's model has anyway; it keeps its own values.
OWN = {
    "constants of its spectrogram": r"audio_branch\.(spectrogram|logmel)_extractor\..+",
    "masks that follow from the sizes": r"audio_branch\.layers\.\d+\.blocks\.\d+\.attn_mask",
    "heads of which no embedding depends": r"audio_branch\.(tscam_conv|head)\..+",
    "transforms that no embedding passes": r"(audio|text)_transform\..+",
}
# Counters that transformers saves with the weights.
_COUNTERS = {f"text_model.embeddings.{name}_ids" for name in ("position", "token_type")}
_TEXT_KEYS = (  # of RoBERTa's config, in the folder's words
    "vocab_size",
    "hidden_size",
    "hidden_act",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
    "layer_norm_eps",
    "pad_token_id",
)


@dataclass
class LaionClap(Clap):
    """`model` is laion-clap's; its audio tower computes the log-mel itself (torchlibrosa)."""

    @property
    def dimension(self) -> int:
        return self.model.joint_embed_shape

    @property
    def longest_text(self) -> int:
        return self.model.text_branch.config.max_position_embeddings - 2

    def audio_vectors(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.model.get_audio_embedding([{"waveform": waveform} for waveform in waveforms])

    def text_vectors(self, tokens: dict[str, torch.Tensor]) -> torch.Tensor:
        return self.model.get_text_embedding(tokens)


def load_laion_clap(folder: Path) -> LaionClap:
    """The CLAP model folder `folder` in laion-clap's model, frozen, on this machine's device.

    UserError if laion-clap is not in this environment, if a part is missing, or if the folder
    holds another model than laion-clap can build.
    """
    folder = Path(folder)
    config = _folder_config(folder)
    tokenizer = load_tokenizer(folder, config.text_config.vocab_size)
    front_end = read_front_end(folder)
    model, settings = _build(config, folder)
    _check_front_end(front_end, settings["audio_cfg"], folder)
    _check_sizes(config, model, folder)
    tensors = read_tensors(folder / "model.safetensors")
    try:
        fill(model, laion_weights(model.state_dict(), tensors), "CLAP of laion-clap")
    except UserError as error:
        raise UserError(f"{folder}: {error}") from error
    return LaionClap(model.to(device()).requires_grad_(False), tokenizer, front_end)


def laion_weights(
    own: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor]
) -> dict[str, Source]:
    """The folder's `tensors` by laion-clap's names; `own`: the state of its model.

    The import's table read backwards: for each of laion-clap's keys the folder's name is looked
    up. UserError names keys that are on neither list, lacking, or left over.
    """
    converted, used = {}, set(_COUNTERS)
    for key, value in own.items():
        name = translate(key)
        if any(re.fullmatch(pattern, key) for pattern in OWN.values()):
            converted[key] = Source(key, value)
            continue
        parts = ("query", "key", "value") if name and ".self.qkv." in name else ("qkv",)
        names = [name.replace("qkv", part) for part in parts] if name else []
        used.update(names)
        if names and all(part in tensors for part in names):
            whole = torch.cat([tensors[part] for part in names]) if names[1:] else tensors[name]
            converted[key] = Source(name, whole)
    left = [name for name in tensors if name not in used]
    if left:
        raise UserError(f"{len(left)} weights that laion-clap has no place for: {listing(left)}")
    return converted  # what lacks here is named by `fill`


def _folder_config(folder: Path) -> ClapConfig:
    """config.json of a folder. UserError unless it is there and describes a CLAP without fusion."""
    from transformers import ClapConfig

    path = folder / "config.json"
    if not path.is_file():
        raise UserError(f"{path} is missing; delete {folder} to have it made again")
    config = ClapConfig.from_pretrained(str(folder), local_files_only=True)
    if config.audio_config.enable_fusion:
        raise UserError(f"{folder}: a fusion CLAP; AudioLDM's has enable_fusion false [code]")
    return config


def _laion_modules() -> tuple[ModuleType, ModuleType]:
    """clap_module.factory and clap_module.model, without running laion_clap's own import."""
    found = importlib.util.find_spec("laion_clap")
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"models.clap.backend is laion, but laion_clap is not installed for {sys.executable}: "
            "make an environment from workflow/envs/laion.txt and name its python in "
            "runtime.laion_python, or run with --software-deployment-method conda"
        )
    place = list(found.submodule_search_locations)[0]
    sys.path.append(place)
    try:
        from clap_module import factory, model
    # A torchvision of another build than torch fails with a RuntimeError.
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"laion_clap does not import in {sys.executable} ({type(error).__name__}: {error}); "
            "make its environment anew from workflow/envs/laion.txt"
        ) from error
    finally:
        sys.path.remove(place)
    return factory, model


def _build(config: ClapConfig, folder: Path) -> tuple[torch.nn.Module, dict]:
    """laion-clap's model of the folder's size, with any weights, and its settings."""
    factory, model = _laion_modules()
    width = config.audio_config.patch_embeds_hidden_size
    if width not in SIZES:
        raise UserError(
            f"{folder}: an audio tower of width {width}; laion-clap has "
            + " and ".join(f"{name} ({size})" for size, name in SIZES.items())
        )
    with _text_tower(model, config):
        return factory.create_model(SIZES[width], "roberta", device=torch.device("cpu"))


@contextlib.contextmanager
def _text_tower(model: ModuleType, config: ClapConfig) -> Iterator[None]:
    """laion-clap's constructor gets a text tower of the folder's size where it would ask the hub
    for roberta-base."""
    from transformers import RobertaConfig, RobertaModel

    class TextTower:
        @staticmethod
        def from_pretrained(_: str) -> RobertaModel:
            sizes = {key: getattr(config.text_config, key) for key in _TEXT_KEYS}
            return RobertaModel(RobertaConfig(**sizes))

    model.RobertaModel = TextTower
    try:
        yield
    finally:
        model.RobertaModel = RobertaModel


def _check_front_end(front_end: ClapLogMel, settings: dict, folder: Path) -> None:
    """UserError unless the folder's front end is the one that laion-clap has built in."""
    pairs = {
        "sampling_rate": (front_end.sample_rate, settings["sample_rate"]),
        "samples of max_length_s": (front_end.n_samples, settings["clip_samples"]),
        "fft_window_size": (front_end.n_fft, settings["window_size"]),
        "hop_length": (front_end.hop_length, settings["hop_size"]),
        "feature_size": (front_end.bands.shape[1], settings["mel_bins"]),
        "frequency_min": (front_end.f_min, settings["fmin"]),
        "frequency_max": (front_end.f_max, settings["fmax"]),
    }
    _refuse(pairs, folder / PREPROCESSOR)


def _check_sizes(config: ClapConfig, model: torch.nn.Module, folder: Path) -> None:
    """UserError if config.json says of the audio tower what laion-clap builds otherwise; some of
    it leaves no trace in shapes."""
    ours = config.audio_config.to_dict()
    theirs = audio_config(Weights(model.state_dict(), ""))
    theirs["layer_norm_eps"] = model.audio_branch.norm.eps
    pairs = {f"audio_config.{key}": (ours[key], value) for key, value in theirs.items()}
    pairs["text_config.projection_hidden_act"] = (config.text_config.projection_hidden_act, "relu")
    _refuse(pairs, folder / "config.json")


def _refuse(pairs: dict[str, tuple], path: Path) -> None:
    """UserError that lists the pairs (found, needed) which differ."""
    wrong = [
        f"{key} is {found}, laion-clap has {needed}"
        for key, (found, needed) in pairs.items()
        if (list(found) if isinstance(found, tuple) else found) != needed
    ]
    if wrong:
        raise UserError(f"{path}: {'; '.join(wrong)}; set models.clap.backend to transformers")
