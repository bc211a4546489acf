"""CLAP's signal front end: waveforms to the log-mel that its audio tower reads."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from . import audio
from .errors import UserError
from .files import read_json, write_json

PREPROCESSOR = "preprocessor_config.json"
RATE_IN = 16000  # Hz of every waveform of the study
FRONT_END_KEYS = (
    "sampling_rate",
    "max_length_s",
    "fft_window_size",
    "hop_length",
    "feature_size",
    "frequency_min",
    "frequency_max",
)
# How the published models were trained; the extractor's class defaults are others.
FIXED = {"truncation": "rand_trunc", "padding": "repeatpad"}


def extractor_config(clap_config: dict) -> dict:
    """The config's `models.clap` in the words of transformers' ClapFeatureExtractor."""
    from transformers import ClapFeatureExtractor

    seconds = clap_config["duration"]
    return ClapFeatureExtractor(
        feature_size=clap_config["n_mels"],
        sampling_rate=clap_config["sample_rate"],
        hop_length=clap_config["hop_length"],
        # The extractor multiplies it into a count of samples, which has to be whole.
        max_length_s=int(seconds) if float(seconds).is_integer() else seconds,
        fft_window_size=clap_config["n_fft"],
        frequency_min=clap_config["f_min"],
        frequency_max=clap_config["f_max"],
        **FIXED,
    ).to_dict()


def write_front_end(folder: Path, clap_config: dict) -> None:
    """Write preprocessor_config.json of a CLAP folder from the config's `models.clap`."""
    write_json(Path(folder) / PREPROCESSOR, extractor_config(clap_config))


class ClapLogMel(torch.nn.Module):
    """(B, T) waveforms at `sample_rate` to (B, 1, frames, n_mels) log-mel in dB.

    Power spectrum of centred, reflect-padded Hann frames, slaney mel bands, 10 log10 with a floor
    of 1e-10: what ClapFeatureExtractor gives for `truncation="rand_trunc"`, many times faster.
    """

    floor = 1e-10

    def __init__(self, config: dict):
        super().__init__()
        from transformers.audio_utils import mel_filter_bank

        self.sample_rate = config["sampling_rate"]
        self.n_samples = round(config["max_length_s"] * self.sample_rate)
        self.n_fft, self.hop_length = config["fft_window_size"], config["hop_length"]
        self.f_min, self.f_max = config["frequency_min"], config["frequency_max"]
        bands = mel_filter_bank(
            num_frequency_bins=self.n_fft // 2 + 1,
            num_mel_filters=config["feature_size"],
            min_frequency=self.f_min,
            max_frequency=self.f_max,
            sampling_rate=self.sample_rate,
            norm="slaney",
            mel_scale="slaney",
        )
        self.register_buffer("bands", torch.from_numpy(bands).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        spectrum = torch.stft(
            waveforms, self.n_fft, self.hop_length, window=self.window, return_complex=True
        )
        power = spectrum.real**2 + spectrum.imag**2
        mel = power.transpose(1, 2) @ self.bands
        return 10 * torch.log10(torch.clamp(mel, min=self.floor))[:, None]

    def fit(self, waveform: np.ndarray) -> np.ndarray:
        """The first `n_samples` of (T,); a shorter one is repeated as often as it fits whole,
        and zeros fill the rest ("repeatpad")."""
        if not len(waveform):
            raise ValueError("an empty waveform cannot be embedded")
        times = max(1, self.n_samples // len(waveform))
        return audio.fit(np.tile(waveform, times) if times > 1 else waveform, self.n_samples)

    def prepare(self, waveform: np.ndarray, rate: int = RATE_IN) -> np.ndarray:
        """(T,) at `rate` to (n_samples,) at `sample_rate`: resampled, cut or repeat-padded."""
        # What lies beyond the cut, but for the resampler's width, cannot be heard in the result.
        needed = math.ceil(self.n_samples * rate / self.sample_rate) + 64
        return self.fit(audio.resample(waveform[:needed], rate, self.sample_rate))


def read_front_end(folder: Path) -> ClapLogMel:
    """The front end that preprocessor_config.json of `folder` describes.

    UserError if the file is missing, lacks a value (the library's defaults are not those of the
    published models), or asks for another cut or padding than they were trained with.
    """
    path = Path(folder) / PREPROCESSOR
    if not path.is_file():
        raise UserError(f"{path} is missing; delete {folder} to have it made again")
    config = read_json(path)
    for key in (*FRONT_END_KEYS, *FIXED):
        if key not in config:
            raise UserError(f"{path}: {key} is missing; write it out, the default is another")
    for key, value in FIXED.items():
        if config[key] != value:
            raise UserError(f'{path}: {key} is "{config[key]}"; this project needs "{value}"')
    return ClapLogMel(config)
