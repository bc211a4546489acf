"""Folded and tiled convolutions against torch's own, in double precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from audioldm_bench.features.convolution import Direct, Winograd, conv_relu

POOLS = {"mean": nn.AvgPool2d(2), "max": nn.MaxPool2d(2), None: nn.Identity()}


def layer(channels_in: int, channels_out: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """With statistics as training leaves them: no mean of 0, no variance of 1."""
    torch.manual_seed(channels_in)
    norm = nn.BatchNorm2d(channels_out).eval()
    with torch.no_grad():
        norm.running_mean.normal_(0, 0.5)
        norm.running_var.uniform_(0.2, 3)
        norm.weight.uniform_(0.5, 2)
        norm.bias.normal_(0, 0.5)
    return nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False).eval(), norm


def in_double(convolution, norm, pool, maps):
    plain = nn.Sequential(convolution, norm or nn.Identity(), nn.ReLU(), POOLS[pool]).double()
    with torch.no_grad():
        return plain(maps.double())


def difference(found, expected):
    assert found.shape == expected.shape
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("channels", [(1, 8), (16, 24), (256, 300)])
@pytest.mark.parametrize("size", [(6, 8), (7, 5), (2, 3)])
def test_equals_convolution_norm_relu_and_pooling(channels, pool, size):
    convolution, norm = layer(*channels)
    arranged = conv_relu(convolution, norm, pool)
    assert isinstance(arranged, Winograd if channels[0] >= 256 else Direct)
    maps = torch.randn(2, channels[0], *size)
    found = arranged(maps)
    assert difference(found, in_double(convolution, norm, pool, maps)) < 1e-6


@pytest.mark.parametrize("pool", POOLS)
def test_a_convolution_with_a_bias_and_no_norm(pool):
    torch.manual_seed(0)
    convolution = nn.Conv2d(256, 8, 3, padding=1)
    maps = torch.randn(3, 256, 9, 4).contiguous(memory_format=torch.channels_last)
    found = conv_relu(convolution, pool=pool)(maps)
    assert difference(found, in_double(convolution, None, pool, maps)) < 1e-6


def test_rounds_no_worse_than_torch():
    convolution, norm = layer(512, 64)
    maps = torch.randn(2, 512, 12, 8)
    exact = in_double(convolution, norm, None, maps)
    convolution, norm = convolution.float(), norm.float()
    with torch.no_grad():
        plain = torch.relu(norm(convolution(maps)))
    tiled = conv_relu(convolution, norm)(maps)
    assert difference(tiled, exact) < difference(plain, exact)


def test_the_layers_are_left_as_they_are():
    for channels in (4, 256):
        convolution = nn.Conv2d(channels, 8, 3, padding=1).eval()
        before = convolution.weight.clone()
        conv_relu(convolution, layer(channels, 8)[1])
        conv_relu(convolution)
        assert torch.equal(convolution.weight, before) and convolution.weight.requires_grad
        assert convolution.weight.is_contiguous()


def test_maps_larger_than_the_cache_are_done_in_strips(monkeypatch):
    monkeypatch.setattr("audioldm_bench.features.convolution._CACHE", 1)
    convolution, norm = layer(256, 4)
    strips = []
    strip = Winograd._strip
    monkeypatch.setattr(
        Winograd, "_strip", lambda self, *a: (strips.append(a[2]), strip(self, *a))[1]
    )
    maps = torch.randn(2, 256, 21, 10)
    found = conv_relu(convolution, norm, "mean")(maps)
    assert len(strips) > 1 and sum(strips) == 11
    assert difference(found, in_double(convolution, norm, "mean", maps)) < 1e-6
