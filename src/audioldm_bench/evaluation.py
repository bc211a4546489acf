"""The metrics of a system: two sets of feature files in, metrics.json out. No torch."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json, write_atomically, write_json
from audioldm_bench.metrics.frechet import Gaussian, frechet_distance, gaussian
from audioldm_bench.metrics.inception import inception_score
from audioldm_bench.metrics.kl import kl_sigmoid, kl_softmax
from audioldm_bench.seeds import derive
from audioldm_bench.store import Store

METRICS = ("fd", "is", "kl", "fad")  # the paper's, in its order


@dataclass(frozen=True)
class ClipFeatures:
    """Features of the same clips by backbone: rows of clip i are `embeddings[b][i]`, (n_i, D)."""

    ids: list[str]
    embeddings: dict[str, list[np.ndarray]]
    logits: dict[str, np.ndarray]  # (N, K); of the backbones that classify

    def rows(self, backbone: str) -> np.ndarray:
        """All embeddings of a backbone, clip after clip: (N, D), or of examples (N*, D)."""
        return np.concatenate(self.embeddings[backbone])


def metric_names(metrics_config: Mapping) -> dict[str, str]:
    """Full names with variant and backbone, by short name."""
    variants = {"fd": "fd", "is": "is", "kl": "kl_softmax", "fad": "fad"}
    names = {metric: f"{variants[metric]}_{metrics_config[metric]}" for metric in METRICS}
    return names | {"kl_sigmoid": f"kl_sigmoid_{metrics_config['kl']}"}


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
        "features": {"generated": _identities(generated), "reference": _identities(reference)},
        "provenance": read_json(clips_json) if clips_json else {},
    }
    write_json(out_path, record)
    return record


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
    first, second = _identities({backbone: a})[backbone], _identities({backbone: b})[backbone]
    for key in ("weights_sha256", "nominal_duration", "minimum_duration"):
        if first.get(key) != second.get(key):
            raise UserError(
                f"evaluation: {a} and {b} differ in {key} ({first.get(key)}, {second.get(key)}); "
                "delete the older feature file and run again"
            )


def _identities(paths: Mapping[str, Path]) -> dict[str, dict]:
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


def reference_statistics(reference: ClipFeatures, metrics_config: Mapping) -> dict[str, Gaussian]:
    """Gaussians of the reference's embeddings, by backbone of FD and FAD."""
    names = {metrics_config["fd"], metrics_config["fad"]}
    for name in names:
        if name not in reference.embeddings:
            raise UserError(f"metrics: no features of backbone '{name}'; extract them first")
    return {name: gaussian(reference.rows(name)) for name in names}


def compute_metrics(
    generated: ClipFeatures,
    reference: ClipFeatures,
    statistics: Mapping[str, Gaussian],
    metrics_config: Mapping,
) -> dict:
    """The four metrics of the paper, and what goes with them, by short name.

    `statistics` are `reference_statistics`. IS is of the generated clips; "is_splits" says how
    many splits were used: 1 where there are fewer clips than metrics.is_splits.
    """
    score = inception_score(
        _logits(generated, metrics_config, "is"),
        splits=metrics_config["is_splits"],
        seed=metrics_config["is_seed"],
    )
    pair = (_logits(generated, metrics_config, "kl"), _logits(reference, metrics_config, "kl"))
    pairs = (*pair, generated.ids, reference.ids)
    distances = {
        metric: frechet_distance(
            gaussian(generated.rows(metrics_config[metric])), statistics[metrics_config[metric]]
        )
        for metric in ("fd", "fad")
    }
    return distances | {
        "is": score.mean,
        "is_std": score.std,
        "is_splits": score.splits,
        "kl": kl_softmax(*pairs),
        "kl_sigmoid": kl_sigmoid(*pairs),
    }


def _logits(features: ClipFeatures, metrics_config: Mapping, metric: str) -> np.ndarray:
    backbone = metrics_config[metric]
    if backbone not in features.logits:
        raise UserError(f"metrics.{metric}: backbone '{backbone}' gives no logits; choose another")
    return features.logits[backbone]


# ------------------------------------------------------------------------------- Figure 1
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
