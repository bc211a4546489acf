"""Weights on their way from the original names to a library's: nothing lost, nothing made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..errors import UserError
from .reader import listing


class Weights(dict[str, torch.Tensor]):
    """The tensors of one component by their names below its prefix in the file."""

    def __init__(
        self, tensors: dict[str, torch.Tensor], prefix: str, names: dict[str, str] | None = None
    ):
        super().__init__(tensors)
        self.prefix = prefix
        self._names = names or {}

    def origin(self, key: str) -> str:
        """What the file calls `key`: the name given at the start, else the prefix and `key`."""
        return self._names.get(key, self.prefix + key)

    def __missing__(self, key: str) -> torch.Tensor:
        raise UserError(f"the key {self.prefix}{key} is missing")

    def count(self, pattern: str, first: int = 0) -> int:
        """How many of pattern.format(first), pattern.format(first + 1), ... are there in a row."""
        number = first
        while pattern.format(number) in self:
            number += 1
        return number - first

    def width(self, key: str, axis: int = 0) -> int:
        """Size of the tensor `key` along `axis`. UserError if it has no such axis."""
        shape = self[key].shape
        if axis >= len(shape):
            raise UserError(f"{self.origin(key)} has the shape {tuple(shape)}: too few axes")
        return shape[axis]


@dataclass(frozen=True)
class Source:
    """A converted tensor and the key of the file it was made from."""

    key: str
    tensor: torch.Tensor


def rename(weights: Weights, translate: Callable[[str], str | None]) -> dict[str, Source]:
    """The weights by their new names. UserError names the keys that `translate` does not know."""
    unknown = [weights.origin(key) for key in weights if translate(key) is None]
    if unknown:
        raise UserError(f"{len(unknown)} unknown keys: {listing(unknown)}")
    return {translate(key): Source(weights.origin(key), tensor) for key, tensor in weights.items()}


def fill(model: torch.nn.Module, converted: dict[str, Source], component: str) -> torch.nn.Module:
    """Puts the converted tensors into `model` (which may lie on the meta device), in evaluation.

    UserError names keys that the model has no place for, lacks, or that have another shape.
    """
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    left = [source.key for key, source in converted.items() if key not in wanted]
    lacking = [key for key in wanted if key not in converted]
    wrong = [
        f"{source.key} {tuple(source.tensor.shape)}, not {wanted[key]}"
        for key, source in converted.items()
        if key in wanted and tuple(source.tensor.shape) != wanted[key]
    ]
    problems = [
        f"{len(keys)} {what}: {listing(keys)}"
        for what, keys in (
            ("unknown keys", left),
            ("weights have no key", lacking),
            ("keys have a wrong shape", wrong),
        )
        if keys
    ]
    if problems:
        raise UserError(f"the {component} does not fit its file: {'; '.join(problems)}")
    tensors = {key: _stored(source.tensor) for key, source in converted.items()}
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval()


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    """Single precision and memory of its own where it is a view of a part."""
    tensor = tensor.float() if tensor.is_floating_point() else tensor
    return tensor if tensor.is_contiguous() else tensor.contiguous()
