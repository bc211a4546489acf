"""The metrics of a system: two sets of feature files in, metrics.json out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audioldm_bench.evaluation.estimates import Estimate, estimate, plan
from audioldm_bench.evaluation.pairs import (
    identities,
    ids_sha256,
    load_captions,
    load_features,
    pair_clips,
)
from audioldm_bench.files import read_json, write_json
from audioldm_bench.metrics.registry import configured, parse_name


def evaluate_system(
    generated: Mapping[str, Path],
    reference: Mapping[str, Path],
    clips_json: Path | None,
    out_path: Path,
    *,
    metrics_config: Mapping,
    seed: int = 0,
    text: Path | None = None,
) -> dict:
    """Scores the clips of `generated` against those of `reference` (feature files by backbone).

    Clips are paired by id; those that one side lacks or rejected are left out and listed under
    "unpaired". `text` is the store of the captions' CLAP embeddings, for clap_score. Writes (and
    returns) `out_path`: the paper's values, "values" (by full name: value, interval, n and what
    else belongs to it), "interval", "names" (full names), "n", "clip_list_sha256" (of the paired
    ids), "features" (weights and clip lists of both sides), "versions" and "provenance" (the
    contents of `clips_json`, {} if None).
    """
    ids, unpaired = pair_clips(generated, reference)
    names = configured(metrics_config)
    needs_text = any(parse_name(full)[0] == "clap_score" for full in names.values())
    captions = load_captions(text, ids) if text and needs_text else None
    sides = load_features(generated, ids), load_features(reference, ids)
    found = estimate(*sides, metrics_config, seed=seed, captions=captions)
    record = paper_values(found, names) | {
        "values": {full: values_record(one) for full, one in found.items()},
        "interval": interval_record(metrics_config, len(ids), seed),
        "names": names,
        "n": len(ids),
        "clip_list_sha256": ids_sha256(ids),
        "unpaired": unpaired,
        "features": {"generated": identities(generated), "reference": identities(reference)},
        "versions": versions(),
        "provenance": read_json(clips_json) if clips_json else {},
    }
    write_json(out_path, record)
    return record


def paper_values(found: Mapping[str, Estimate], names: Mapping[str, str]) -> dict:
    """fd, is, kl, fad and kl_sigmoid under their short keys, and what belongs to IS."""
    inception = found[names["is"]].extra
    keys = ("fd", "is", "kl", "fad", "kl_sigmoid")
    extra = {"is_std": inception["std"], "is_splits": inception["splits"]}
    return {key: found[names[key]].value for key in keys} | extra


def values_record(one: Estimate) -> dict:
    """An estimate as "values" of metrics.json holds it."""
    return {"value": one.value, "low": one.low, "high": one.high, "n": one.n} | one.extra


def interval_record(metrics_config: Mapping, n: int, seed: int) -> dict:
    """How the intervals were made, for metrics.json."""
    replicates, level, _ = plan(metrics_config, n)
    return {"method": "half-sampling", "replicates": replicates, "level": level, "seed": seed}


def versions() -> dict[str, str]:
    """Of what computes the metrics."""
    import h5py
    import numpy

    from audioldm_bench import __version__

    return {
        "audioldm-bench": __version__,
        "numpy": numpy.__version__,
        "h5py": h5py.__version__,
    }
