"""What stands behind the results: components, clips that are not there, time and memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..files import read_json
from ..labels import dataset_label, paper_order
from ..store import Store
from .curves import sparkline

_COMPONENTS = {
    "clap": "CLAP",
    "vae": "VAE",
    "unet": "Diffusion model",
    "diffusion": "Diffusion model",
}


def component_cards(paths: Iterable[Path]) -> list[dict]:
    """Each trained component's figures on held-out clips, against chance, with its loss curve."""
    cards = []
    for path in paths:
        quality = read_json(path)
        name = quality["component"]
        label = _COMPONENTS.get(name, name.capitalize())
        losses = quality.get("losses") or []
        cards.append(
            {
                "name": label,
                "figures": [_figure(figure) for figure in quality["figures"]],
                "curve": sparkline(losses, f"Training loss of {label}"),
                "losses": f"{losses[0][1]:.3g} → {losses[-1][1]:.3g}" if losses else "",
            }
        )
    return cards


def _figure(figure: dict) -> dict:
    value, chance = figure["value"], figure.get("chance")
    unit = figure.get("unit") or ""
    verdict = ""
    if chance is not None and value != chance:
        verdict = "better" if (value > chance) == (figure["better"] == "higher") else "worse"
    return {
        "name": figure["name"],
        "value": _number(value, unit),
        "chance": "" if chance is None else _number(chance, unit),
        "verdict": verdict,
        "n": figure.get("n"),
        "arrow": "↑" if figure["better"] == "higher" else "↓",
    }


def _number(value: float, unit: str) -> str:
    shown = f"{value:.3g}"
    return shown if unit in {"", "1"} else f"{shown} {unit}"


def absent_clips(
    missing: Iterable[tuple[str, Path]], stores: Iterable[tuple[str, Sequence[Path]]]
) -> list[dict]:
    """By dataset: clips that its tables name but that are not there, and clips set aside."""
    found: dict[str, dict] = {}
    for dataset, path in missing:
        with open(path, encoding="utf-8", newline="") as file:
            rows = [(row["clip_id"], row["reason"]) for row in csv.DictReader(file)]
        found.setdefault(dataset, {"missing": [], "aside": [], "used": None})["missing"] = rows
    for dataset, shards in stores:
        entry = found.setdefault(dataset, {"missing": [], "aside": [], "used": None})
        with Store(list(shards)) as store:
            entry["aside"] = sorted(store.rejected.items())
            entry["used"] = len(store)
    return [{"name": dataset_label(name), **found[name]} for name in paper_order(found)]


def rule_costs(folder: Path | None) -> list[dict]:
    """Jobs, wall time, longest job, CPU time and peak memory of each rule, dearest first.

    From Snakemake's benchmark files; a rule is the first part of a file's path in `folder`.
    """
    if folder is None:
        return []
    rules: dict[str, list[dict[str, str]]] = {}
    for path in sorted(Path(folder).rglob("*.tsv")):
        rule = path.relative_to(folder).parts[0].removesuffix(".tsv")
        with open(path, encoding="utf-8", newline="") as file:
            rules.setdefault(rule, []).extend(csv.DictReader(file, delimiter="\t"))
    costs = []
    for rule, jobs in rules.items():
        seconds = [_measured(job, "s") for job in jobs]
        costs.append(
            {
                "rule": rule,
                "jobs": len(jobs),
                "seconds": sum(seconds),
                "longest": max(seconds, default=0.0),
                "cpu": sum(_measured(job, "cpu_time") for job in jobs),
                "memory": max((_measured(job, "max_rss") for job in jobs), default=0.0),
            }
        )
    return sorted(costs, key=lambda cost: (-cost["seconds"], cost["rule"]))


def _measured(job: dict[str, str], column: str) -> float:
    """A number of a benchmark file; jobs that were too short to be watched have NA or -."""
    try:
        return float(job.get(column) or 0)
    except ValueError:
        return 0.0


def duration(seconds: float) -> str:
    """3725 -> 1 h 02 min; 75 -> 1 min 15 s; 4.21 -> 4.2 s."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
