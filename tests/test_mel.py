"""The log-mel front end, against librosa's steps written out."""

import librosa
import numpy as np
import torch

from audioldm_bench.mel import LogMel


def test_log_mel_equals_librosa():
    x = np.random.default_rng(0).standard_normal(16000).astype("f4") * 0.1
    made = LogMel(16000, 1024, 160, 1024, 64, 0, 8000)(torch.from_numpy(x)[None])[0].numpy()
    padded = np.pad(x, 432, mode="reflect")
    spectrum = np.abs(librosa.stft(padded, n_fft=1024, hop_length=160, center=False))
    bands = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=64, fmin=0, fmax=8000)
    expected = np.log(np.maximum(bands @ spectrum, 1e-5)).T
    assert made.shape == (100, 64)
    np.testing.assert_allclose(made, expected, atol=2e-5)


def test_frames_of_ten_seconds_and_the_floor():
    silent = LogMel(16000, 1024, 160, 1024, 64, 0, 8000)(torch.zeros(2, 163840))
    assert silent.shape == (2, 1024, 64)
    assert torch.all(silent == np.float32(np.log(1e-5)))
