"""Figures and spectrograms in a form that can stand inside a page."""

from __future__ import annotations

import base64
import html
import io
import re
from pathlib import Path

import numpy as np

from ..errors import UserError

PICTURE_FRAMES = 240  # px: width of a spectrogram
DYNAMIC_RANGE = 7.0  # in natural log of magnitude, about 60 dB below the loudest


def inline_svg(path: Path, name: str, title: str) -> str:
    """A figure of matplotlib as an inline <svg>: no prologue, no fixed size, own ids.

    Its colours become custom properties (--c-rrggbb, black: the text's colour), so that the page
    can change them in dark mode. Raises UserError when the file holds no <svg>.
    """
    text = Path(path).read_text(encoding="utf-8")
    found = re.search(r"<svg\b[^>]*>", text)
    view = found and re.search(r'viewBox="[^"]*"', found.group())
    if not view or "</svg>" not in text:
        raise UserError(f"{path}: not an SVG figure; delete it and run again")
    body = text[found.end() : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\b(id|xlink:href|href)="(#?)([^"]+)"', rf'\1="\2{name}-\3"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = body.replace("xlink:href", "href")
    body = re.sub(r"#([0-9a-f]{6})\b(?=[;\"])", _themed, body)
    label = html.escape(title, quote=True)
    return f'<svg class="figure" {view.group()} role="img" aria-label="{label}">{body}</svg>'


def _themed(match: re.Match) -> str:
    colour = match.group(1)
    return "currentColor" if colour == "000000" else f"var(--c-{colour}, #{colour})"


def log_mel(samples: np.ndarray, rate: int, mel: dict) -> np.ndarray:
    """(T,) to (frames, n_mels): the study's log-mel (study.md), in numpy, for a picture."""
    import librosa.filters

    n_fft, hop = mel["n_fft"], mel["hop_length"]
    if len(samples) < n_fft:
        samples = np.pad(samples, (0, n_fft - len(samples)))
    windows = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[::hop]
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(n_fft + 1)[:-1]))
    bands = librosa.filters.mel(
        sr=rate, n_fft=n_fft, n_mels=mel["n_mels"], fmin=mel["f_min"], fmax=mel["f_max"]
    )
    return np.log(np.maximum(spectrum @ bands.T, 1e-5))


def mel_picture(samples: np.ndarray, rate: int, mel: dict) -> str:
    """A spectrogram as a data URI of a palette PNG, low frequencies at the bottom."""
    from matplotlib import colormaps
    from PIL import Image

    frames = log_mel(samples, rate, mel)
    edges = np.linspace(0, len(frames), min(PICTURE_FRAMES, len(frames)) + 1).astype(int)
    image = np.stack([frames[a:b].mean(axis=0) for a, b in zip(edges, edges[1:], strict=False)])
    top = image.max()
    levels = np.clip((image - top + DYNAMIC_RANGE) / DYNAMIC_RANGE, 0, 1)
    picture = Image.fromarray((levels.T[::-1] * 63).round().astype(np.uint8), mode="P")
    palette = (colormaps["magma"](np.linspace(0, 1, 64))[:, :3] * 255).round().astype(np.uint8)
    picture.putpalette(palette.tobytes())
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True, bits=6)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
