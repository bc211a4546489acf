"""3x3 convolutions with their ReLU and pooling, arranged for a CPU.

Batch norms are folded into the weights. Where many channels come in, the convolution is Winograd's
F(2x2, 3x3) (Lavin & Gray 2016, section 4.1): 16 products of matrices for each tile of 2x2 outputs
in place of 36, and rounding errors that are no larger than those of the plain sum.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

POOLS = {"mean": functional.avg_pool2d, "max": functional.max_pool2d}
_FEWEST_CHANNELS = 256  # coming in; with fewer, making the tiles costs more than they save
_CACHE = 8 << 20  # bytes of tiles worked on at once, or as many as the weights have

_SLICE = 256  # channels going out whose weights are made at once: the rest is memory


def conv_relu(
    convolution: nn.Conv2d, norm: nn.BatchNorm2d | None = None, pool: str | None = None
) -> nn.Module:
    """ReLU(norm(convolution(x))), then 2x2 pooling where `pool` is "mean" or "max".

    For a 3x3 convolution with stride 1 and padding 1, and a norm, in evaluation mode; both are left
    as they are. Maps (B, C, H, W) to (B, K, H, W) or (B, K, H // 2, W // 2), in the layout
    channels_last.
    """
    folded = copy.deepcopy(convolution) if norm is None else fuse_conv_bn_eval(convolution, norm)
    many = convolution.in_channels >= _FEWEST_CHANNELS
    return (Winograd if many else Direct)(folded.requires_grad_(False), pool)


class Direct(nn.Module):
    """The convolution as torch has it."""

    def __init__(self, convolution: nn.Conv2d, pool: str | None):
        super().__init__()
        self.convolution = convolution.to(memory_format=torch.channels_last)
        self.pool = pool

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        found = self.convolution(maps.contiguous(memory_format=torch.channels_last)).relu_()
        return POOLS[self.pool](found, 2) if self.pool else found


class Winograd(nn.Module):
    """The convolution by tiles of 4x4 inputs and 2x2 outputs; tiles overlap by two inputs."""

    def __init__(self, convolution: nn.Conv2d, pool: str | None):
        super().__init__()
        self.register_buffer("weight", _products(convolution.weight.detach()))  # (16, C, K)
        self.register_buffer("bias", convolution.bias.detach())
        self.pool = pool

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        batch, _, height, width = maps.shape
        _, channels_in, channels_out = self.weight.shape
        down, across = (height + 1) // 2, (width + 1) // 2  # tiles
        margins = (0, 0, 1, 1 + 2 * across - width, 1, 1 + 2 * down - height)
        padded = functional.pad(maps.permute(0, 2, 3, 1), margins)
        inner = (batch, down, across) if self.pool else (batch, down, 2, across, 2)
        out = maps.new_empty(*inner, channels_out)
        row = 16 * batch * across * (channels_in + channels_out) * maps.element_size()
        step = max(1, max(_CACHE, self.weight.nbytes) // row)
        for first in range(0, down, step):
            rows = min(step, down - first)
            strip = padded[:, 2 * first : 2 * (first + rows) + 2]
            self._strip(strip, out[:, first : first + rows], rows, across)
        if self.pool:
            out = out[:, : height // 2, : width // 2]
        else:
            out = out.reshape(batch, 2 * down, 2 * across, channels_out)[:, :height, :width]
        return out.permute(0, 3, 1, 2)

    def _strip(self, strip: torch.Tensor, out: torch.Tensor, rows: int, across: int) -> None:
        """`rows` rows of tiles of (B, 2 rows + 2, 2 across + 2, C), into `out`."""
        batch, _, _, channels = strip.shape
        tiles = strip.new_empty(16, batch, rows, across, channels)
        down = _differences([strip[:, i : i + 2 * rows : 2] for i in range(4)])
        for i, part in enumerate(down):
            columns = [part[:, :, j : j + 2 * across : 2] for j in range(4)]
            _differences(columns, tiles[4 * i : 4 * i + 4])
        products = torch.bmm(tiles.view(16, -1, channels), self.weight)
        grid = products.view(4, 4, batch, rows, across, -1)
        corners = []
        for half in _sums(grid):
            corners += [corner.add_(self.bias).relu_() for corner in _sums(half)]
        if self.pool == "mean":
            torch.mul(sum(corners[1:], corners[0]), 0.25, out=out)
        elif self.pool == "max":
            top, bottom = torch.maximum(*corners[:2]), torch.maximum(*corners[2:])
            torch.maximum(top, bottom, out=out)
        else:
            for number, corner in enumerate(corners):
                out[:, :, number // 2, :, number % 2] = corner


def _products(weight: torch.Tensor) -> torch.Tensor:
    """(K, C, 3, 3) to the (16, C, K) that tiles are multiplied with."""
    made = weight.new_empty(4, 4, weight.shape[1], weight.shape[0])
    for first in range(0, len(weight), _SLICE):
        kernels = weight[first : first + _SLICE].permute(2, 3, 1, 0)
        made[..., first : first + _SLICE] = _four(_four(kernels, 0), 1)
    return made.flatten(0, 1)


def _four(lines: torch.Tensor, dim: int) -> torch.Tensor:
    """Three lines of a kernel to the four that lines of a tile are multiplied with."""
    a, b, c = lines.unbind(dim)
    ends = a + c
    return torch.stack([a, (ends + b) / 2, (ends - b) / 2, c], dim)


def _differences(lines: list[torch.Tensor], out: torch.Tensor | None = None) -> list[torch.Tensor]:
    """Four lines of a tile to what is multiplied with the weights; into out[0..3] if given."""
    a, b, c, d = lines
    to = [None] * 4 if out is None else list(out)
    return [
        torch.sub(a, c, out=to[0]),
        torch.add(b, c, out=to[1]),
        torch.sub(c, b, out=to[2]),
        torch.sub(b, d, out=to[3]),
    ]


def _sums(products: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Four lines (4, ...) of products to the two lines of outputs."""
    a, b, c, d = products
    return (b + c).add_(a), (b - c).sub_(d)
