"""How a system's metrics were computed, from its metrics.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..files import read_json

VERSIONS = "Metrics computed with"
Sources = list[tuple[str, str]]


def how_computed(metrics: Iterable[tuple[str, str, Path]]) -> dict[tuple[str, str], Sources]:
    """By (dataset, system) of `metrics`: what a value's popover adds to its table's columns."""
    return {(dataset, system): _sources(read_json(path)) for dataset, system, path in metrics}


def _sources(record: Mapping) -> Sources:
    about = record.get("provenance", {})
    found = [
        ("Interval", _interval(record.get("interval", {}))),
        ("Sampler", str(about.get("sampler") or "")),
        ("Precision", str(about.get("precision") or "")),
        ("Devices", ", ".join(about.get("devices", []))),
        (VERSIONS, _versions(record.get("versions", {}))),
    ]
    sides = record.get("features", {}).get("generated", {})
    for name, its in sorted(sides.items()):
        found.append((f"Weights of {name}, sha256", its.get("weights_sha256") or ""))
    return [(label, text) for label, text in found if text]


def _interval(how: Mapping) -> str:
    if not how.get("replicates"):
        return ""
    level = f"{100 * how['level']:g}\u00a0%"
    return f"{level}, {how['method']}, {how['replicates']} times, seed {how['seed']}"


def _versions(found: Mapping) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(found.items()))
