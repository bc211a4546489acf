"""The paper's own numbers: Tables I and II of Yuan et al., "Leveraging Pre-trained AudioLDM for
Text to Sound Generation: A Benchmark Study". Datasets are keyed as in the config."""

from __future__ import annotations

# Config key -> the paper's name, in the paper's order.
DATASETS: dict[str, str] = {
    "esc50": "ESC50",
    "urbansound8k": "US8K",
    "audiocaps": "AudioCaps",
    "audioset": "AudioSet",
}

# The backbones behind the paper's numbers (Section IV.B); values made with others do not compare.
BACKBONES: dict[str, str] = {
    "fd": "panns_cnn14_16k",
    "is": "panns_cnn14_16k",
    "kl": "panns_cnn14_16k",
    "fad": "vggish",
}


def _values(fd: float, is_: float, kl: float, fad: float) -> dict[str, float]:
    return {"fd": fd, "is": is_, "kl": kl, "fad": fad}


# (dataset, test condition) -> metrics, in the order of the paper's rows.
TABLE1: dict[tuple[str, str], dict[str, float]] = {
    ("esc50", "text"): _values(60.63, 5.55, 3.01, 5.95),
    ("esc50", "audio"): _values(47.46, 6.68, 2.08, 4.81),
    ("urbansound8k", "text"): _values(31.20, 3.88, 2.20, 10.00),
    ("urbansound8k", "audio"): _values(32.79, 4.04, 1.44, 13.74),
    ("audiocaps", "text"): _values(23.63, 6.68, 2.36, 4.94),
    ("audiocaps", "audio"): _values(21.37, 6.65, 1.78, 2.18),
    ("audioset", "text"): _values(20.30, 7.56, 2.34, 4.26),
    ("audioset", "audio"): _values(19.04, 6.72, 1.63, 1.52),
}


def _run(kilosteps: int, fd: float, is_: float, kl: float, fad: float) -> dict[str, float]:
    return {"train_steps": kilosteps * 1000, **_values(fd, is_, kl, fad)}


# (dataset, initialisation, training condition) -> train_steps and metrics, in the paper's order.
TABLE2: dict[tuple[str, str, str], dict[str, float]] = {
    ("esc50", "scratch", "audio"): _run(240, 44.75, 7.44, 3.31, 4.02),
    ("esc50", "scratch", "text"): _run(160, 30.74, 10.22, 1.84, 3.28),
    ("esc50", "pretrained", "audio"): _run(180, 36.43, 11.15, 2.15, 4.41),
    ("esc50", "pretrained", "text"): _run(80, 22.38, 12.98, 1.56, 2.66),
    ("urbansound8k", "scratch", "audio"): _run(160, 33.69, 3.73, 2.04, 5.75),
    ("urbansound8k", "scratch", "text"): _run(350, 28.45, 5.00, 1.87, 4.45),
    ("urbansound8k", "pretrained", "audio"): _run(20, 31.21, 3.84, 2.11, 7.39),
    ("urbansound8k", "pretrained", "text"): _run(240, 28.44, 4.91, 1.88, 4.88),
    ("audiocaps", "scratch", "audio"): _run(480, 24.04, 7.12, 2.20, 2.98),
    ("audiocaps", "scratch", "text"): _run(480, 24.84, 6.91, 2.25, 2.47),
    ("audiocaps", "pretrained", "audio"): _run(80, 23.57, 7.21, 2.09, 2.98),
    ("audiocaps", "pretrained", "text"): _run(240, 25.78, 7.95, 2.26, 1.67),
}
