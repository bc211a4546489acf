"""The systems of one dataset on the same clips: comparison.json, from features and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..evaluation.pairs import identities
from ..evaluation.ranking import compare
from ..evaluation.system import versions
from ..files import read_json, write_json
from ..labels import RUNS
from .choice import LOSS, SELECT_ON, best_step, check_choice
from .rows import provenance


def compare_dataset(
    metrics: Mapping[str, Path],
    features: Mapping[str, Mapping[str, Path]],
    out_path: Path,
    *,
    bounds: Iterable[str],
    select_by: str,
    select_on: str = SELECT_ON[0],
    validation: Mapping[str, Path] | None = None,
    metrics_config: Mapping,
    seed: int,
    text: Path | None = None,
) -> dict:
    """Compares baselines, the chosen checkpoint of each run and other people's systems.

    `metrics`: metrics.json of each system, all checkpoints and `bounds` among them; `features`:
    feature files by system and backbone, with those of `real`; only those of the systems that are
    compared are read; `select_on`, `validation` (validation.json of each checkpoint): see
    `best_step`. Writes (and returns) `out_path`: what `evaluation.ranking.compare` gives, of
    each system its "provenance", and "selected_by", "versions" and "features" (the weights).
    """
    bounds = list(bounds)
    own = {name: path for name, path in metrics.items() if name not in bounds}
    chosen = chosen_systems(own, select_by, select_on, validation or {})
    record = compare(
        {name: features[name] for name in [*chosen, *bounds]},
        features["real"],
        metrics_config=metrics_config,
        seed=seed,
        text=text,
        bounds=bounds,
    )
    for name, own in record["systems"].items():
        own["provenance"] = provenance(read_json(metrics[name]).get("provenance", {}))
    by = select_by if select_on == "evaluation" else LOSS
    record |= {"selected_by": by, "versions": versions()}
    record["features"] = {"reference": identities(features["real"])}
    write_json(out_path, record)
    return record


def chosen_systems(
    metrics: Mapping[str, Path],
    select_by: str,
    select_on: str = SELECT_ON[0],
    validation: Mapping[str, Path] | None = None,
) -> list[str]:
    """Names of `metrics`, of each fine-tuning run only the best step, as Table II shows it."""
    check_choice(select_by, [select_on])
    runs: dict[str, dict[int, Path]] = {}
    names: list[str] = []
    for name, path in metrics.items():
        run, step = split_run(name)
        if run is None:
            names.append(name)
        else:
            runs.setdefault(run, {})[step] = path
    for run, own in runs.items():
        losses = {step: (validation or {}).get(f"{run}-{step:07d}") for step in own}
        best = best_step(own, losses, select_on=select_on, select_by=select_by)
        names.append(f"{run}-{best:07d}")
    return names


def split_run(system: str) -> tuple[str | None, int]:
    """(run, step) of a checkpoint's system, `pretrained-text-0080000`; (None, 0) of others."""
    parts: Sequence[str] = system.split("-")
    if len(parts) == 3 and tuple(parts[:2]) in RUNS and parts[2].isdigit():
        return f"{parts[0]}-{parts[1]}", int(parts[2])
    return None, 0
