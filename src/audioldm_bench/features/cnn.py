"""The small CNN backbones that a study can train itself: tagger and embedder.

Both stand where the published networks stand: the tagger for PANNs (one embedding and one set of
logits a clip), the embedder for VGGish (one embedding for each example of 0.96 s).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from audioldm_bench.errors import UserError
from audioldm_bench.features.base import Features
from audioldm_bench.files import read_json, write_atomically, write_json
from audioldm_bench.mel import LogMel
from audioldm_bench.pretrained import device


def _convolution(channels_in: int, channels_out: int, size: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def _blocks(channels: list[int]) -> nn.Sequential:
    """A stem, then convolutions that widen; each halves frames and bands."""
    layers = [_convolution(1, channels[0], 5, 2)]
    for before, after in zip(channels, channels[1:], strict=False):
        layers += [_convolution(before, after, 3, 1), nn.AvgPool2d(2, ceil_mode=True)]
    return nn.Sequential(*layers)


class SmallCnn(nn.Module):
    """(B, T) waveforms to embeddings (B, D) and class logits (B, K).

    `config`, which is the folder's config.json: sample_rate (Hz); mel (LogMel's other
    arguments); channels, stem first; embedding (D); labels (K names); example_duration (s), or
    None for a network that sees whole clips.
    """

    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        self.log_mel = LogMel(config["sample_rate"], **config["mel"])
        channels = config["channels"]
        # Brings log-mel bands to comparable ranges; its statistics are learned.
        self.scale = nn.BatchNorm1d(config["mel"]["n_mels"])
        self.blocks = _blocks(channels)
        self.embedding = nn.Linear(2 * channels[-1], config["embedding"])
        self.head = nn.Linear(config["embedding"], len(config["labels"]))

    @property
    def example_frames(self) -> int | None:
        """Frames of one example, or None for whole clips."""
        seconds = self.config["example_duration"]
        hop = self.config["mel"]["hop_length"]
        return None if seconds is None else round(seconds * self.config["sample_rate"] / hop)

    def classify(self, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, frames, n_mels) to embeddings, before the last ReLU, and logits."""
        bands = self.scale(log_mel.transpose(1, 2)).transpose(1, 2)
        maps = self.blocks(bands[:, None]).mean(dim=3)
        pooled = torch.cat([maps.mean(dim=2), maps.amax(dim=2)], dim=1)
        embedding = self.embedding(pooled)
        return embedding, self.head(torch.relu(embedding))

    def forward(self, waveforms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.classify(self.log_mel(waveforms))

    def examples(self, waveforms: torch.Tensor) -> torch.Tensor:
        """(B, T) to (B, n, frames, n_mels): whole examples without overlap, n at least 1.

        Clips under one example are padded with zeros; a rest at the end is left out, as VGGish
        does.
        """
        frames = self.example_frames
        assert frames is not None
        missing = frames * self.config["mel"]["hop_length"] - waveforms.shape[1]
        log_mel = self.log_mel(nn.functional.pad(waveforms, (0, max(0, missing))))
        count = log_mel.shape[1] // frames
        return log_mel[:, : count * frames].unflatten(1, (count, frames))


def save_cnn(network: SmallCnn, folder: Path) -> None:
    """Write config.json and model.safetensors."""
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", network.config)
    weights = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    with write_atomically(folder / "model.safetensors") as path:
        save_file(weights, path)


class CnnBackbone:
    """A trained SmallCnn as a backbone of the metrics."""

    def __init__(self, network: SmallCnn, name: str):
        self.network = network.to(device()).eval().requires_grad_(False)
        self.name = name
        self.sample_rate: int = network.config["sample_rate"]
        self.labels: list[str] = network.config["labels"]
        self.examples = network.example_frames is not None
        self.classifies = not self.examples

    @torch.inference_mode()
    def embed(self, waveforms: torch.Tensor) -> Features:
        """(B, T) at `sample_rate`."""
        batch = waveforms.to(next(self.network.parameters()).device)
        if self.classifies:
            embedding, logits = self.network(batch)
            return {"embedding": embedding.cpu(), "logits": logits.cpu()}
        examples = self.network.examples(batch)
        rows, _ = self.network.classify(examples.flatten(0, 1))
        return {"embedding": list(rows.cpu().split(examples.shape[1]))}


def load_cnn(folder: Path, *, name: str) -> CnnBackbone:
    """The backbone `name` from a folder that `save_cnn` wrote.

    UserError if a file is missing or the weights do not fit the config.
    """
    from safetensors.torch import load_file

    folder = Path(folder)
    for file in ("config.json", "model.safetensors"):
        if not (folder / file).is_file():
            raise UserError(f"{folder / file} is missing; delete {folder} to have it made again")
    network = SmallCnn(read_json(folder / "config.json"))
    try:
        network.load_state_dict(load_file(folder / "model.safetensors"))
    except RuntimeError as error:
        raise UserError(f"{folder}: the weights do not fit config.json: {error}") from error
    return CnnBackbone(network, name)
