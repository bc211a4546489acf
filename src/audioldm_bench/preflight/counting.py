"""What a piece of work costs, counted without doing it.

The work runs on tensors without values, so that a network of any size is counted in seconds on any
machine: FLOPs by torch's own formulas, bytes read and written by each operation, and the bytes that
are held at once.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

_ATEN = torch.ops.aten
# A fused attention has one cost whatever the device; torch's table lacks the CPU's.
_FLOPS = dict(flop_registry) | {
    _ATEN._scaled_dot_product_flash_attention_for_cpu: flop_registry[
        _ATEN._scaled_dot_product_flash_attention
    ],
    _ATEN._scaled_dot_product_flash_attention_for_cpu_backward: flop_registry[
        _ATEN._scaled_dot_product_flash_attention_backward
    ],
}


@dataclass(frozen=True)
class Cost:
    """Of one piece of work: (FLOPs, bytes read and written) of each operation, in order, and the
    most bytes it held at once beyond what was there before it."""

    operations: tuple[tuple[int, int], ...]
    peak: int

    @property
    def flops(self) -> int:
        return sum(flops for flops, _ in self.operations)

    @property
    def traffic(self) -> int:
        """Bytes read and written."""
        return sum(size for _, size in self.operations)


class _Meter(TorchDispatchMode):
    """Sees every operation that reaches the device; views and bookkeeping cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[int, int]] = []
        self.held = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        results = [leaf for leaf in tree_leaves(made) if isinstance(leaf, torch.Tensor)]
        for tensor in results:
            self._hold(tensor.untyped_storage())
        packet = func._overloadpacket
        works = (results and not func.is_view) or func._schema.is_mutable
        if works and packet is not _ATEN.detach:
            inputs = [leaf for leaf in tree_leaves((args, kwargs)) if torch.is_tensor(leaf)]
            touched = inputs + (results or inputs)  # what is changed in place is read and written
            size = sum(tensor.numel() * tensor.element_size() for tensor in touched)
            flops = _FLOPS[packet](*args, **kwargs, out_val=made) if packet in _FLOPS else 0
            self.operations.append((int(flops), size))
        return made

    def _hold(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.held += size
        self.peak = max(self.peak, self.held)
        weakref.finalize(storage, self._release, key, size).atexit = False

    def _release(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.held -= size


@contextlib.contextmanager
def without_values() -> Iterator[None]:
    """Tensors and networks made inside have shapes and take no memory."""
    with FakeTensorMode():
        yield


def count(work: Callable[[], object]) -> Cost:
    """The cost of `work()`, which runs on tensors without values (of `without_values`, or meta).

    Attention counts as fused, as it runs on GPUs; optimizers' norms of gradients do not count.
    """
    with _Meter() as meter:
        work()
    return Cost(tuple(meter.operations), meter.peak)
