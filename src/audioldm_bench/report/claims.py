"""The paper's claims about Figure 1 beside what was found, as a grid."""

from __future__ import annotations

from pathlib import Path

from ..labels import CORRUPTIONS, METRICS
from ..typeset import shown
from .results import Row, around, read_rows


def claim_grid(path: Path | None) -> dict | None:
    """From fig1_claims.csv: a row a corruption, a cell a metric; None where there is no file."""
    if path is None:
        return None
    found = {(row["corruption"], row["metric"]): row for row in read_rows(path)}
    kinds = [kind for kind in CORRUPTIONS if any(key[0] == kind for key in found)]
    return {
        "agreed": sum(row["as_in_paper"] == "yes" for row in found.values()),
        "of": len(found),
        "metrics": [metric.heading for metric in METRICS.values()],
        "rows": [
            {
                "name": CORRUPTIONS[kind].label,
                "cells": [_cell(found[kind, metric]) for metric in METRICS],
            }
            for kind in kinds
        ],
    }


def _cell(row: Row) -> dict:
    change = float(row["change"])
    return {
        "found": row["found"],
        "paper": row["paper"],
        "same": row["as_in_paper"] == "yes",
        "change": ("+" if change > 0 else "") + shown(change).replace("-", "−"),
        "interval": around("change", row, shown),
    }
