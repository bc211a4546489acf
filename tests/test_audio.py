"""Decoding, resampling and levelling."""

import numpy as np
import pytest
import soundfile

from audioldm_bench import audio


def sine(rate, seconds=1.0, frequency=440.0):
    return np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate).astype("f4")


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_a_sine_survives_resampling(rate):
    made = audio.resample(sine(rate), rate, 16000)
    assert made.shape == (16000,) and made.dtype == np.float32
    assert np.abs(made - sine(16000))[100:-100].max() < 1e-3


def test_what_lies_above_the_new_band_is_gone():
    assert np.abs(audio.resample(sine(48000, frequency=12000), 48000, 16000))[100:-100].max() < 0.01


def test_resampling_keeps_leading_axes_and_is_linear():
    x = np.random.default_rng(0).standard_normal((2, 3, 441)).astype("f4")
    made = audio.resample(x, 44100, 16000)
    assert made.shape == (2, 3, 160)
    np.testing.assert_allclose(made[1, 2], audio.resample(x[1, 2], 44100, 16000), atol=1e-6)
    np.testing.assert_allclose(audio.resample(2 * x, 44100, 16000), 2 * made, atol=1e-6)


def test_the_first_channel_is_read(tmp_path):
    both = np.stack([sine(16000), 0 * sine(16000)], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 16000, subtype="FLOAT")
    samples, rate = audio.read(tmp_path / "a.wav")
    assert rate == 16000
    np.testing.assert_array_equal(samples, both[:, 0])
    part, _ = audio.read(tmp_path / "a.wav", start=0.25, end=0.75)
    np.testing.assert_array_equal(part, both[4000:12000, 0])


def test_bad_files_are_refused_with_a_reason(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    (tmp_path / "text.wav").write_text("not a sound")
    soundfile.write(tmp_path / "nan.wav", np.full(10, np.nan), 16000, subtype="FLOAT")
    for name, reason in [("empty", "empty"), ("text", "unreadable"), ("nan", "non-finite")]:
        with pytest.raises(audio.AudioError, match=reason):
            audio.read(tmp_path / f"{name}.wav")
    with pytest.raises(audio.AudioError, match="unreadable"):
        audio.read(tmp_path / "absent.wav")


def test_level_length_and_what_is_written(tmp_path):
    level = audio.normalise(sine(16000) * 0.01 + 0.3)
    assert np.abs(level).max() == pytest.approx(0.5, abs=1e-3) and abs(level.mean()) < 1e-5
    assert np.abs(audio.normalise(np.zeros(10, "f4"))).max() == 0
    assert audio.fit(sine(16000), 20000)[16000:].any() == 0 and len(audio.fit(sine(16000), 9)) == 9
    audio.write(tmp_path / "a.wav", 2 * sine(16000), 16000)
    samples, _ = audio.read(tmp_path / "a.wav")
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_16"
    np.testing.assert_allclose(samples, np.clip(2 * sine(16000), -1, 1), atol=1e-4)


def test_a_rate_without_a_simple_ratio_is_refused_before_it_fills_the_memory():
    with pytest.raises(audio.AudioError, match="44101"):
        audio.resample(sine(44101), 44101, 16000)
    for rate in (11025, 22050, 44100, 88200, 96000, 176400, 192000):
        assert len(audio.resample(np.zeros(rate, "f4"), rate, 48000)) == 48000
