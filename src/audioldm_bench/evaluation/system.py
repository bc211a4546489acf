"""The metrics of a system: two sets of feature files in, metrics.json out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audioldm_bench.evaluation.pairs import identities, ids_sha256, load_features, pair_clips
from audioldm_bench.evaluation.values import compute_metrics, metric_names, reference_statistics
from audioldm_bench.files import read_json, write_json


def evaluate_system(
    generated: Mapping[str, Path],
    reference: Mapping[str, Path],
    clips_json: Path | None,
    out_path: Path,
    *,
    metrics_config: Mapping,
) -> dict:
    """Scores the clips of `generated` against those of `reference` (feature files by backbone).

    Clips are paired by id; those that one side lacks or rejected are left out and listed under
    "unpaired". Writes (and returns) `out_path`: the values, "names" (full names), "n",
    "clip_list_sha256" (of the paired ids), "features" (weights and clip lists of both sides) and
    "provenance" (the contents of `clips_json`, {} if None).
    """
    ids, unpaired = pair_clips(generated, reference)
    a, b = load_features(generated, ids), load_features(reference, ids)
    statistics = reference_statistics(b, metrics_config)
    record = compute_metrics(a, b, statistics, metrics_config)
    record |= {
        "names": metric_names(metrics_config),
        "n": len(ids),
        "clip_list_sha256": ids_sha256(ids),
        "unpaired": unpaired,
        "features": {"generated": identities(generated), "reference": identities(reference)},
        "provenance": read_json(clips_json) if clips_json else {},
    }
    write_json(out_path, record)
    return record
