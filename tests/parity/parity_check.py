"""Golden numbers, and checkpoints in the original layout with the weights that made them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import torch
from parity_draws import positions, weight

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
ROBERTA = ROOT / "../shared/data/tokenizer"
TOLERANCE = 1e-5  # of ||ours - golden|| / ||golden||
POSITION_IDS = "cond_stage_model.model.text_branch.embeddings.position_ids"


def layout(size: str) -> dict:
    """Names and shapes of the original modules' weights."""
    return json.loads(gzip.decompress((GOLDEN / "layout.json.gz").read_bytes()))[size]


class Golden:
    """The numbers of one size."""

    def __init__(self, size: str):
        self.size = size
        with np.load(GOLDEN / f"{size.lower()}.npz") as file:
            self.arrays = dict(file)

    def error(self, name: str, ours: torch.Tensor | np.ndarray) -> float:
        """Relative L2 error of the kept numbers, or of the whole output's norm if it is larger."""
        ours = ours.detach().cpu() if isinstance(ours, torch.Tensor) else ours
        whole = np.asarray(ours, dtype=np.float64)
        shape = tuple(int(width) for width in self.arrays[f"{name}.shape"])
        assert whole.shape == shape, f"{name}: {whole.shape}, the original gives {shape}"
        golden = self.arrays[name].astype(np.float64)
        kept = whole.reshape(-1)[positions(name, whole.size)]
        entries = np.linalg.norm(kept - golden) / np.linalg.norm(golden)
        norm = float(self.arrays[f"{name}.norm"])
        norms = abs(np.linalg.norm(whole) - norm) / norm
        print(f"[parity] {self.size} {name}: {entries:.1e} (norm {norms:.1e})")
        return max(entries, norms)


def drawn(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """The weights of these keys."""
    return {key: weight(key, tuple(shape)) for key, shape in shapes.items()}


def constants(shapes: dict[str, list[int]], golden: Golden) -> dict[str, torch.Tensor]:
    """What the original registers beside its weights; 0 where the import does not read it."""
    result = {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}
    for key in shapes:
        name = key.rpartition(".")[2]
        if name in golden.arrays:
            result[key] = torch.from_numpy(golden.arrays[name])
    return result


def save_checkpoint(path: Path, golden: Golden) -> None:
    """The authors' checkpoint of size S: every key that their LatentDiffusion saves.

    With the counter of positions that transformers saved in their time.
    """
    keys = layout("S")
    state = drawn(keys["drawn"]) | constants(keys["constant"], golden)
    state[POSITION_IDS] = torch.arange(514)[None]
    torch.save({"state_dict": state, "epoch": 1, "global_step": 1000}, path)
