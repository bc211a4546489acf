"""Each family is a sound of its own, and no two clips of it are alike."""

import numpy as np
import pytest

from audioldm_bench.synthetic.families import FAMILIES
from audioldm_bench.synthetic.sounds import render

RATE = 16000


def clip(family, *names, duration=1.6, rate=RATE, **options):
    rng = np.random.default_rng([list(FAMILIES).index(family), *names])
    return render(family, rng, duration, rate, **options)


def bands(sound):
    """Log energies (frames, bands) in a log-frequency spectrogram, the loudest at 0."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, 512)[::160] * np.hanning(512)
    power = np.abs(np.fft.rfft(frames, axis=1))
    edges = np.unique(np.geomspace(2, 257, 25).astype(int))
    pairs = zip(edges[:-1], edges[1:], strict=True)
    energy = np.log(np.stack([power[:, a:b].mean(1) for a, b in pairs], 1) + 1e-5)
    return energy - energy.max()


def features(sound):
    energy = bands(sound)
    change = np.abs(np.diff(energy, axis=0)).mean(0)
    return np.concatenate([energy.mean(0), energy.std(0), change])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_clip_is_sound_sample_for_sample(family):
    for duration, rate in ((0.8, 16000), (0.813, 48000), (2.56, 22050)):
        sound = clip(family, 1, duration=duration, rate=rate)
        assert sound.dtype == np.float32
        assert sound.shape == (round(duration * rate),)
        assert np.isfinite(sound).all()
        assert 0.2 < np.abs(sound).max() < 0.95  # heard, and not clipped
        quiet = np.sqrt(np.mean(sound**2))
        assert quiet > 0.002


@pytest.mark.parametrize("family", FAMILIES)
def test_the_generator_decides_everything(family):
    once, again, other = clip(family, 1), clip(family, 1), clip(family, 2)
    assert np.array_equal(once, again)
    assert abs(np.corrcoef(once, other)[0, 1]) < 0.5
    assert abs(np.abs(once).max() - np.abs(other).max()) > 1e-4


def test_families_are_told_apart_by_unseen_clips():
    """Nearest class mean on coarse features: far above chance (3 %), below a trained network."""
    train, test = (
        np.stack([[features(clip(name, part, i)) for i in range(count)] for name in FAMILIES])
        for part, count in ((1, 8), (2, 4))
    )
    scale = train.reshape(-1, train.shape[-1]).std(0)
    means = train.mean(1) / scale
    nearest = ((test[:, :, None] / scale - means) ** 2).sum(-1).argmin(-1)
    assert (nearest == np.arange(len(FAMILIES))[:, None]).mean() > 0.5


def test_takes_of_a_recording_share_the_source():
    """Two takes of a bell are nearer to each other than to the bells of other recordings."""

    def spectrum(recording, take):
        source = np.random.default_rng(recording)
        sound = clip("church_bells", 3, recording, take, recording=source)
        return bands(sound).mean(0)

    takes = np.array([[spectrum(recording, take) for take in (0, 1)] for recording in range(6)])
    distance = np.abs(takes[:, None, 0] - takes[None, :, 1]).mean(-1)
    assert (distance.argmin(1) == np.arange(6)).mean() > 0.8


@pytest.mark.parametrize("family", ["rain", "dog", "jackhammer"])
def test_a_distant_sound_is_weaker_and_duller(family):
    def loudness_and_centre(sound):
        power = np.abs(np.fft.rfft(sound)) ** 2
        return np.abs(sound).max(), (power * np.arange(len(power))).sum() / power.sum()

    near = np.array([loudness_and_centre(clip(family, 4, i)) for i in range(5)])
    far = np.array([loudness_and_centre(clip(family, 4, i, distant=True)) for i in range(5)])
    assert (far < near).all()
