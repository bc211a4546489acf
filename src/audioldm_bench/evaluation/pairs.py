"""The clips that two sides share, and their features."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.store import Store


@dataclass(frozen=True)
class ClipFeatures:
    """Features of the same clips by backbone: rows of clip i are `embeddings[b][i]`, (n_i, D)."""

    ids: list[str]
    embeddings: dict[str, list[np.ndarray]]
    logits: dict[str, np.ndarray]  # (N, K); of the backbones that classify

    def rows(self, backbone: str) -> np.ndarray:
        """All embeddings of a backbone, clip after clip: (N, D), or of examples (N*, D)."""
        return np.concatenate(self.embeddings[backbone])


def ids_sha256(ids: Sequence[str]) -> str:
    """Names a list of clips, whatever their order."""
    return hashlib.sha256("".join(f"{clip_id}\n" for clip_id in sorted(ids)).encode()).hexdigest()


def pair_clips(
    generated: Mapping[str, Path], reference: Mapping[str, Path]
) -> tuple[list[str], dict]:
    """Ids that every feature file of both sides has, sorted, and what is left out, with reasons.

    UserError if a side lacks a backbone, if weights differ, or if less than two clips remain.
    """
    if set(generated) != set(reference):
        raise UserError(
            f"evaluation: features of {sorted(generated)} against {sorted(reference)}; "
            "both sides need the same backbones"
        )
    seen = {"generated": _sides(generated), "reference": _sides(reference)}
    for backbone in generated:
        _same_weights(backbone, generated[backbone], reference[backbone])
    ids = sorted(seen["generated"][0] & seen["reference"][0])
    unpaired: dict = {}
    for side, other in (("generated", "reference"), ("reference", "generated")):
        kept, rejected = seen[side]
        unpaired[f"rejected_{side}"] = dict(sorted(rejected.items()))
        missing = seen[other][0] - kept - set(rejected)
        unpaired[f"missing_{side}"] = sorted(missing)
    unpaired["counts"] = {key: len(value) for key, value in unpaired.items()}
    if len(ids) < 2:
        raise UserError(
            f"evaluation: {len(ids)} clip(s) on both sides of {next(iter(generated.values()))} and "
            f"{next(iter(reference.values()))} ({unpaired['counts']}); clips pair by file name"
        )
    return ids, unpaired


def _sides(paths: Mapping[str, Path]) -> tuple[set[str], dict[str, str]]:
    """Ids that all feature files of one side hold, and their rejected clips with reasons."""
    kept: set[str] | None = None
    rejected: dict[str, str] = {}
    for path in paths.values():
        with Store(path) as store:
            kept = set(store.ids) if kept is None else kept & set(store.ids)
            rejected |= store.rejected
    return kept or set(), rejected


def _same_weights(backbone: str, a: Path, b: Path) -> None:
    first, second = identities({backbone: a})[backbone], identities({backbone: b})[backbone]
    for key in ("weights_sha256", "nominal_duration", "minimum_duration"):
        if first.get(key) != second.get(key):
            raise UserError(
                f"evaluation: {a} and {b} differ in {key} ({first.get(key)}, {second.get(key)}); "
                "delete the older feature file and run again"
            )


def identities(paths: Mapping[str, Path]) -> dict[str, dict]:
    found = {}
    for backbone, path in sorted(paths.items()):
        with Store(path) as store:
            found[backbone] = store.attrs
    return found


def load_features(paths: Mapping[str, Path], ids: Sequence[str]) -> ClipFeatures:
    """The features of `ids`, in this order."""
    embeddings, logits = {}, {}
    for backbone, path in paths.items():
        with Store(path) as store:
            embeddings[backbone] = [np.atleast_2d(store.get("embedding", i)) for i in ids]
            if "logits" in store.names:
                logits[backbone] = np.stack([store.get("logits", i) for i in ids])
    return ClipFeatures(list(ids), embeddings, logits)


def load_captions(path: Path, ids: Sequence[str]) -> np.ndarray:
    """(N, P) CLAP embeddings of the captions of `ids`; UserError if a clip has no caption."""
    with Store(path) as store:
        missing = [clip_id for clip_id in ids if clip_id not in store]
        if missing:
            raise UserError(
                f"{path}: no caption of {len(missing)} clip(s), first {', '.join(missing[:3])}; "
                "clap_score needs one for each clip"
            )
        return np.stack([store.get("embedding", clip_id) for clip_id in ids])
