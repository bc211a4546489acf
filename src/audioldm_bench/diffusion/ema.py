"""The moving average of the weights, from which samples are drawn [code]."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import torch


class EMA:
    """Exponential moving average of those of a model's parameters that learn.

    The n-th update (n from 1) has decay min(decay, (1 + n) / (10 + n)), so that the random first
    weights are soon forgotten [code].
    """

    def __init__(self, model: torch.nn.Module, decay: float):
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        self._parameters = [parameter for _, parameter in named]
        self._names = [name for name, _ in named]
        self._averages = [parameter.detach().clone() for parameter in self._parameters]
        self.decay = decay
        self.updates = 0

    def decay_of(self, n: int) -> float:
        """The decay of the n-th update."""
        return min(self.decay, (1 + n) / (10 + n))

    @torch.no_grad()
    def update(self) -> None:
        """Moves the averages towards the model's present parameters."""
        self.updates += 1
        torch._foreach_lerp_(self._averages, self._parameters, 1 - self.decay_of(self.updates))

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The averages by parameter name; not copies."""
        return dict(zip(self._names, self._averages, strict=True))

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has the averages for its parameters meanwhile; nothing is copied."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def _swap(self) -> None:
        for place, parameter in enumerate(self._parameters):
            self._averages[place], parameter.data = parameter.data, self._averages[place]

    def state_dict(self) -> dict:
        return {"updates": self.updates, "weights": self.weights}

    @torch.no_grad()
    def load_state_dict(self, state: dict) -> None:
        self.updates = state["updates"]
        _copy(self._averages, (state["weights"][name] for name in self._names))


def _copy(targets: list[torch.Tensor], sources: Iterable[torch.Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
