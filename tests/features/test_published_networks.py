"""Cnn14 and VGGish as arranged for a CPU, against the published networks of full size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from audioldm_bench import audio
from audioldm_bench.features import panns, vggish
from audioldm_bench.features.imports import import_submodule

ESC10 = Path(__file__).resolve().parents[3] / "shared/data/esc10"


def difference(found, expected):
    assert found.shape == expected.shape
    return float((found - expected).norm() / expected.norm())


def drawn(network: nn.Module) -> nn.Module:
    """With norms as training leaves them: no mean of 0, no variance of 1."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean.normal_(0, 0.1, generator=generator)
                norm.running_var.uniform_(0.5, 1.5, generator=generator)
                norm.weight.uniform_(0.5, 1.5, generator=generator)
                norm.bias.normal_(0, 0.1, generator=generator)
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def cnn14():
    """The published network and the arranged one."""
    torch.manual_seed(0)
    published = drawn(panns.build_cnn14())
    return published, panns.CpuCnn14(published).eval()


def noise(batch, samples, seed=1):
    return 0.1 * torch.randn(batch, samples, generator=torch.Generator().manual_seed(seed))


def test_cnn14_equals_the_published_network(cnn14):
    published, arranged = cnn14
    waveforms = noise(3, 12345)
    with torch.no_grad():
        expected = published(waveforms)
        embedding, logits = arranged(waveforms)
        assert difference(embedding, expected["embedding"]) < 1e-6
        assert difference(logits, published.fc_audioset(expected["embedding"])) < 1e-6
        assert difference(logits.sigmoid(), expected["clipwise_output"]) < 1e-6
    assert (logits < 0).any() and (logits > 0).any()


def test_cnn14_says_the_same_of_a_clip_in_any_batch(cnn14):
    _, arranged = cnn14
    waveforms = noise(4, 8000)
    with torch.no_grad():
        together = arranged(waveforms)
        for number in (0, 3):
            alone = arranged(waveforms[number : number + 1])
            for found, expected in zip(alone, together, strict=True):
                assert difference(found, expected[number : number + 1]) < 1e-6


@pytest.mark.parametrize("name", panns.FRONT_ENDS)
def test_log_mel_equals_the_published_front_end(name, monkeypatch):
    """Without the network behind it; on noise, a tone, silence, a click and a recording."""
    monkeypatch.setattr(panns, "conv_relu", lambda *_: nn.Identity())
    models = import_submodule("panns_inference", "models")
    monkeypatch.setattr(models, "ConvBlock", lambda **_: nn.ModuleDict(_no_layers()))
    published = panns.build_cnn14(panns.FRONT_ENDS[name]).eval()
    arranged = panns.CpuCnn14(published)
    rate = panns.FRONT_ENDS[name]["sample_rate"]
    sounds = noise(4, rate)
    sounds[1] = 0.5 * torch.sin(2 * torch.pi * 440 * torch.arange(rate) / rate)
    sounds[2] = 0
    sounds[3] = 0
    sounds[3, rate // 2] = 1
    if (recordings := sorted(ESC10.rglob("*.ogg"))[:1]) != []:
        samples, native = audio.read(recordings[0])
        sounds[0] = torch.from_numpy(audio.resample(samples, native, rate)[:rate])
    with torch.no_grad():
        expected = published.logmel_extractor(published.spectrogram_extractor(sounds))[:, 0]
        found = arranged.log_mel(sounds)
    assert expected[2].max() == -100  # the floor
    # Beside a tone most bands hold nothing but rounding: there compare power, not its logarithm.
    found[1], expected[1] = (10 ** (log_mel[1] / 10) for log_mel in (found, expected))
    for one, other in zip(found, expected, strict=True):
        assert difference(one, other) < 1e-6


def _no_layers():
    return {name: nn.Identity() for name in ("conv1", "conv2", "bn1", "bn2")}


@pytest.fixture(scope="module")
def networks():
    """The published VGGish and the arranged one."""
    torch.manual_seed(0)
    published = vggish.build_vggish().eval().requires_grad_(False)
    return published, vggish.CpuVggish(published)


def test_vggish_equals_the_published_network_but_for_the_last_relu(networks):
    published, arranged = networks
    examples = torch.randn(13, 1, 96, 64, generator=torch.Generator().manual_seed(1))  # two passes
    found = arranged(examples)
    with torch.no_grad():
        assert difference(found.relu(), published(examples)) < 1e-6
    assert (found < 0).any()


def test_vggish_keeps_the_order_of_examples(networks):
    _, arranged = networks
    examples = torch.randn(11, 1, 96, 64, generator=torch.Generator().manual_seed(1))
    together = arranged(examples)
    assert difference(arranged(examples[10:]), together[10:]) < 1e-6
    assert difference(together[:1], together[1:2]) > 1e-3


@pytest.mark.parametrize("samples", [15600, 32000, 33333])
def test_vggish_examples_equal_torchvggishs(samples):
    mel = import_submodule("torchvggish", "mel_features")
    waveforms = noise(2, samples)
    waveforms[1, samples // 2 :] = 0
    found = vggish.log_mel_examples(waveforms).numpy()
    for row, waveform in zip(found, waveforms.numpy(), strict=True):
        frames = mel.log_mel_spectrogram(
            waveform,
            audio_sample_rate=16000,
            log_offset=0.01,
            window_length_secs=0.025,
            hop_length_secs=0.010,
            num_mel_bins=64,
            lower_edge_hertz=125,
            upper_edge_hertz=7500,
        )
        expected = mel.frame(frames, 96, 96)
        np.testing.assert_allclose(row, expected, rtol=2e-7, atol=1e-7)
        assert row.dtype == np.float32 and row.shape == (samples // 15600, 96, 64)


def test_vggish_pads_a_short_clip_to_one_example():
    short = noise(1, 8000)
    padded = nn.functional.pad(short, (0, 7600))
    assert torch.equal(vggish.log_mel_examples(short), vggish.log_mel_examples(padded))
