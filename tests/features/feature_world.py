"""Small networks, clips, and backbones that count what they are asked."""

import numpy as np
import torch

from audioldm_bench import audio
from audioldm_bench.features import folder
from audioldm_bench.features.cnn import SmallCnn, save_cnn
from audioldm_bench.features.extract import extract_features

RATE = 16000
FORM = {"nominal_duration": 1.5, "minimum_duration": 1.0}
MEL = dict(n_fft=512, hop_length=160, win_length=512, n_mels=16, f_min=0, f_max=8000)


def save_small_cnn(path, seed, example=None):
    torch.manual_seed(seed)
    config = {
        "sample_rate": RATE,
        "mel": MEL,
        "channels": [4, 6],
        "embedding": 8,
        "labels": ["a", "b", "c"],
        "example_duration": example,
    }
    network = SmallCnn(config)
    with torch.no_grad():
        network.scale.bias.normal_(std=2.0)  # so that clips differ as after training
        network.embedding.weight *= 100
        network.head.weight *= 20
    save_cnn(network, path)
    return path


def sound(seed, seconds=1.0, rate=RATE):
    """(T,) float32: a tone in noise."""
    rng = np.random.default_rng(seed)
    tone = np.sin(np.arange(round(rate * seconds)) * (0.02 + 0.03 * (seed % 30)))
    return (0.3 * tone + 0.05 * rng.standard_normal(len(tone))).astype(np.float32)


def write_clips(path, seed=0, n=11):
    path.mkdir(parents=True)
    for number in range(n):
        samples = sound(100 * seed + number, 1 + number % 3)
        audio.write(path / f"clip{number:02d}.wav", samples, RATE)
    return path


def run(clips, weights, out, **options):
    outputs = {name: out / f"{name}.h5" for name in weights}
    options = {**FORM, "state": out / "state", "progress_every": 0.0, **options}
    extract_features(clips, outputs, weights, **options)
    return outputs


class Counter:
    """Counts decoded clips and forward passes; dies on request."""

    def __init__(self, monkeypatch):
        self.heard, self.shapes, self.dies_at = [], {}, None
        self._prepare, self._load = folder.prepare_clip, folder.load_backbone
        monkeypatch.setattr(folder, "prepare_clip", self.prepare)
        monkeypatch.setattr(folder, "load_backbone", self.load)

    def prepare(self, path, *args, **options):
        if path.stem == self.dies_at:
            raise KeyboardInterrupt
        self.heard.append(path.stem)
        return self._prepare(path, *args, **options)

    def load(self, name, path):
        backbone = self._load(name, path)
        embed = backbone.embed

        def counted(waveforms):
            self.shapes.setdefault(name, []).append(tuple(waveforms.shape))
            return embed(waveforms)

        backbone.embed = counted
        return backbone

    def clear(self):
        self.heard.clear()
        self.shapes.clear()
