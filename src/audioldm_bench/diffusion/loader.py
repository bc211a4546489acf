"""The next batch is read while the step before it runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ahead(Generic[Item]):
    """Reads items in one thread, one item ahead: at most two are in memory.

    `read` gets what it needs as its argument and may be called beside the thread that asks.
    """

    def __init__(self, read: Callable[[Hashable], Item]):
        self._read = read
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loader")
        self._next: tuple[Hashable, Future[Item]] | None = None

    def take(self, wanted: Hashable, following: Hashable) -> Item:
        """`read(wanted)`, which is there where it was the `following` of the call before.

        Reading of `following` begins. An error of `read` is raised where its item is asked for.
        """
        before, self._next = self._next, None
        if before is not None and before[0] == wanted:
            item = before[1].result()
        else:
            item = self._read(wanted)
        self._next = following, self._thread.submit(self._read, following)
        return item

    def close(self) -> None:
        """Waits for what is being read."""
        self._thread.shutdown(cancel_futures=True)
        self._next = None
