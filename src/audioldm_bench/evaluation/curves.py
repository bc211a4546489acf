"""The metrics against the share of corrupted clips (paper, Fig. 1)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.pairs import ClipFeatures, load_features, pair_clips
from audioldm_bench.evaluation.values import METRICS, compute_metrics, reference_statistics
from audioldm_bench.files import write_atomically
from audioldm_bench.seeds import derive

FIGURE1_COLUMNS = ("corruption", "share", *METRICS, "n")


def figure1_table(
    features: Mapping[str, tuple[Mapping[str, Path], Mapping[str, Path]]],
    out_csv: Path,
    *,
    metrics_config: Mapping,
    shares: int,
    seed: int,
) -> None:
    """The metrics against the share of corrupted clips, for each kind of corruption (Fig. 1).

    `features`: by kind, the feature files (by backbone) of the corrupted and of the clean clips.
    `shares`: how many equal steps from 0 to 1. The first clips of one seeded order are corrupted,
    so that a larger share holds a smaller one; the rest are clean, and all are scored against the
    clean ones. A row's "n" is the number of clips.
    """
    if shares < 2:
        raise UserError(f"figure1.shares: {shares}; needs at least 2, for the shares 0 and 1")
    rows: list[list[object]] = []
    for kind, (corrupted, clean) in features.items():
        ids, _ = pair_clips(corrupted, clean)
        ids.sort(key=lambda clip_id: derive(seed, "figure1", clip_id))
        a, b = load_features(corrupted, ids), load_features(clean, ids)
        statistics = reference_statistics(b, metrics_config)
        for step in range(shares):
            share = step / (shares - 1)
            mixture = mix_features(a, b, round(share * len(ids)))
            values = compute_metrics(mixture, b, statistics, metrics_config)
            rows.append([kind, share, *(values[metric] for metric in METRICS), len(ids)])
    with write_atomically(out_csv) as draft, open(draft, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([FIGURE1_COLUMNS, *rows])


def mix_features(first: ClipFeatures, rest: ClipFeatures, n: int) -> ClipFeatures:
    """The first `n` clips' features from `first`, the others' from `rest`; the same clips."""
    return ClipFeatures(
        rest.ids,
        {b: first.embeddings[b][:n] + rest.embeddings[b][n:] for b in rest.embeddings},
        {b: np.concatenate([first.logits[b][:n], rest.logits[b][n:]]) for b in rest.logits},
    )
