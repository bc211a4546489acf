"""Forward passes of one shape, so that a clip's features do not depend on its company."""

from __future__ import annotations

import numpy as np

from audioldm_bench.features.base import Backbone
from audioldm_bench.store import Part

# Clips a forward pass; larger ones are no faster on a CPU. A batch that is not full is filled with
# copies of its last clip: a network's rounding depends on the size of the batch (by 3e-8 in Cnn14),
# but, as measured, not on a clip's place in it or on its neighbours.
BATCH = 4
# Largest sample of a clip (minus its mean) that counts as silence: one step of 16 bits.
SILENT = 2.0**-15


class Batches:
    """Collects clips for one backbone and embeds them `size` at a time; one length if size > 1."""

    def __init__(self, backbone: Backbone, size: int):
        self.backbone, self.size = backbone, size
        self._waiting: list[tuple[str, np.ndarray]] = []
        self._rows: dict[str, dict[str, np.ndarray]] = {}
        self._silent: list[str] = []
        self._rejected: dict[str, str] = {}

    def add(self, key: str, waveform: np.ndarray) -> None:
        """A clip (T,) at the backbone's rate, under the name that its row will have."""
        self._waiting.append((key, waveform))
        if np.abs(waveform).max() <= SILENT:
            self._silent.append(key)
        if len(self._waiting) == self.size:
            self._embed()

    def finish(self) -> Part:
        """All rows: "embedding", "logits" if the backbone classifies, and "silent" (0 or 1).

        A clip that the backbone has no finite answer to is in `rejected`.
        """
        if self._waiting:
            self._embed()
        keys, arrays = list(self._rows), {}
        for name in next(iter(self._rows.values()), ()):
            rows = [self._rows[key][name] for key in keys]
            arrays[name] = rows if rows[0].ndim > 1 else np.stack(rows)  # examples, or one a clip
        if keys:
            arrays["silent"] = np.array([key in self._silent for key in keys], np.uint8)
        return Part(keys, arrays, self._rejected)

    def _embed(self) -> None:
        import torch

        waveforms = [waveform for _, waveform in self._waiting]
        waveforms += waveforms[-1:] * (self.size - len(waveforms))
        said = self.backbone.embed(torch.from_numpy(np.stack(waveforms)))
        for place, (key, _) in enumerate(self._waiting):
            row = {name: rows[place].numpy() for name, rows in said.items()}
            if all(np.isfinite(values).all() for values in row.values()):
                self._rows[key] = row
            else:
                self._rejected[key] = f"{self.backbone.name} gives no finite features of it"
        self._waiting.clear()
