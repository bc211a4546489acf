"""Clips to corrupt, and how the tests have it done."""

import json

import numpy as np
import torch

from audioldm_bench import audio
from audioldm_bench.corruptions import corrupt_clips
from audioldm_bench.datasets.manifest import Clip, write_manifest

RATE = 4000
MEL = {"n_fft": 256, "hop_length": 40, "win_length": 256, "n_mels": 16, "f_min": 0, "f_max": 2000}
FIGURE1 = {
    "resynthesis": "vocoder",
    "noise_std": 1.0,
    "mask_duration": 0.5,
    "interference_classes": 2,
    "interference_snr_db": 6.0,
    "events_per_clip": 3,
}
LABELS = ["dog", "rain", "bell", "siren"]


def make_world(folder):
    """Eight clips of 2 s (one shorter), of four classes, each a tone of its own."""
    (folder / "real").mkdir()
    clips = []
    for number in range(8):
        length = RATE if number == 5 else 2 * RATE
        tone = np.sin(2 * np.pi * (200 + 150 * number) * np.arange(length) / RATE)
        level = 0.1 + 0.05 * number
        audio.write(folder / "real" / f"clip{number}.wav", (level * tone).astype("f"), RATE)
        label = LABELS[number % 4]
        clips.append(
            Clip(f"clip{number}", f"{number}.wav", caption=label, label=label, split="evaluation")
        )
    write_manifest(folder / "manifest.csv", clips)
    return folder


def make_vocoder(folder):
    """A small one with random weights."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    torch.manual_seed(0)
    config = SpeechT5HifiGanConfig(
        model_in_dim=16,
        sampling_rate=RATE,
        upsample_initial_channel=16,
        upsample_rates=[5, 4, 2],
        upsample_kernel_sizes=[11, 8, 4],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
        normalize_before=False,
    )
    network = SpeechT5HifiGan(config)
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(std=0.1)  # loud enough to be heard in 16 bits
    network.save_pretrained(folder)
    return folder


def run(world, kind, out="out", *, seed=0, vocoder=None, **figure1):
    corrupt_clips(
        world / "real",
        world / out / "clips",
        world / out / "clips.json",
        kind=kind,
        manifest_path=world / "manifest.csv",
        figure1_config=FIGURE1 | figure1,
        mel_config=MEL,
        vocoder_folder=vocoder,
        sample_rate=RATE,
        nominal_duration=1.5,
        seed=seed,
        state=world / f"state-{out}",
        progress_every=0.0,
    )
    return json.loads((world / out / "clips.json").read_text())


def sounds(folder):
    return {path.stem: audio.read(path)[0] for path in sorted((folder / "clips").iterdir())}


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
