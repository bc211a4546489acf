"""CUDA graphs: the kernels of a pass are recorded once, then started all together.

A pass of the UNet is over a thousand small kernels: on a fast GPU, starting them one by one from
Python takes several times as long as they run. The recorded kernels are the same, so the bits are.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

WARM_UP = 2  # passes before the recording, in which libraries choose kernels and take memory


class Replay:
    """`function` on tensors, recorded for the shapes and formats of its arguments.

    Arguments are tensors on the GPU and are copied; what is returned is overwritten by the next
    call. `function` must not wait for the GPU, nor draw random numbers there. Other shapes are
    recorded anew. `after` is called after a recording, in which the function runs some times.
    """

    def __init__(
        self, function: Callable[..., torch.Tensor], after: Callable[[], None] = lambda: None
    ):
        self._function, self._after = function, after
        self._kinds: list[tuple] = []
        self._arguments: list[torch.Tensor] = []
        self._graph: torch.cuda.CUDAGraph | None = None
        self._result: torch.Tensor | None = None

    def __call__(self, *arguments: torch.Tensor) -> torch.Tensor:
        kinds = [(tensor.shape, tensor.dtype) for tensor in arguments]
        if self._graph is None or kinds != self._kinds:
            self._record(arguments, kinds)
        for own, given in zip(self._arguments, arguments, strict=True):
            own.copy_(given, non_blocking=True)
        self._graph.replay()
        return self._result

    def _record(self, arguments: tuple[torch.Tensor, ...], kinds: list[tuple]) -> None:
        self._graph = self._result = None  # its memory first
        self._kinds, self._arguments = kinds, [tensor.clone() for tensor in arguments]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._function(*self._arguments)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._result = self._function(*self._arguments)
        self._graph = graph
        self._after()
