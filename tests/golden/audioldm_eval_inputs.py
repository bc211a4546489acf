"""What is given to audioldm_eval and to this project alike: drawn features, weights, recordings."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "parity"))

# name: clips, dimensions, classes, seed. The last has the shapes of Cnn14 and fewer clips than
# dimensions, as every study of the paper has.
CASES = {
    "more clips than dimensions": (400, 64, 20, 1),
    "as VGGish": (900, 128, 50, 2),
    "as many clips as dimensions": (128, 128, 50, 3),
    "as Cnn14": (150, 2048, 527, 4),
}
CLIPS, SECONDS = 20, 2.5  # of each folder of recordings
SCALE = 2**0.5  # keeps the size of activations through rectified layers


def drawn(case: str) -> dict[str, np.ndarray]:
    """Embeddings (N, D) and logits (N, K) of both sides, float32, skewed and correlated.

    From NumPy's RandomState, whose streams do not change.
    """
    n, dimensions, classes, seed = CASES[case]
    rng = np.random.RandomState(seed)
    mixing = rng.standard_normal((dimensions, dimensions)) / dimensions**0.5
    found = {}
    for side, shift in (("generated", 0.3), ("target", 0.0)):
        embeddings = rng.standard_normal((n, dimensions)) @ mixing * (1 + shift) + shift
        found[f"{side} embeddings"] = np.maximum(embeddings, 0).astype(np.float32)
        found[f"{side} logits"] = (rng.standard_normal((n, classes)) * 3).astype(np.float32)
    return found


def fill(network) -> None:
    """Drawn weights into a network with published layouts; its size matters, not its training."""
    from parity_draws import weight

    state = network.state_dict()
    for key, tensor in state.items():
        if not tensor.is_floating_point() or any(p in key for p in ("stft", "logmel", "pproc")):
            continue
        values = weight(f"audioldm_eval {key}", tuple(tensor.shape))
        inner = "running" in key and not key.startswith("bn0.")
        if inner:
            values = values.zero_() if key.endswith("mean") else values.fill_(1.0)
        tensor.copy_(values * SCALE if tensor.dim() > 1 else values)
    network.load_state_dict(state)


def recordings(esc10: Path, out: Path) -> tuple[Path, Path]:
    """Two folders of wav files of the same names: different real recordings of the same classes."""
    import soundfile

    with open(esc10 / "esc10.csv", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    labels = sorted({row["label"] for row in rows})
    folders = out / "generated", out / "target"
    for number, folder in enumerate(folders):
        folder.mkdir(parents=True)
        for clip in range(CLIPS):
            label = labels[clip % len(labels)]
            of_label = [row["file"] for row in rows if row["label"] == label]
            samples, rate = soundfile.read(esc10 / of_label[2 * (clip // len(labels)) + number])
            name = folder / f"clip{clip:02d}.wav"
            soundfile.write(name, samples[: int(SECONDS * rate)], rate, subtype="PCM_16")
    return folders
