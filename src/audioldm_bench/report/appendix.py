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
