"""What the tables say of the paper's statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..labels import METRICS
from .results import Row, is_bound


def findings(table1: Sequence[Row], table2: Sequence[Row]) -> list[dict]:
    """The paper's three statements, counted over all metrics: here, and in the paper's rows.

    A statement compares pairs of rows that differ in one column; with four metrics each. Floor and
    ceiling say nothing of systems and are left out.
    """
    table1, table2 = ([row for row in rows if not is_bound(row)] for rows in (table1, table2))
    found = [
        _finding(
            "Pre-trained beats from scratch",
            table2,
            ("dataset", "train_condition"),
            lambda row: row["pretrained"] == "yes",
        ),
        _finding(
            "Training with text beats training with audio",
            table2,
            ("dataset", "pretrained"),
            lambda row: row["train_condition"] == "text",
        ),
        _finding(
            "Sampling from audio beats sampling from text",
            table1,
            ("dataset",),
            lambda row: row["test_condition"] == "audio",
        ),
    ]
    return [finding for finding in found if finding["pairs"]]


def _finding(
    title: str, rows: Sequence[Row], same: Sequence[str], favoured: Callable[[Row], bool]
) -> dict:
    pairs: dict[tuple, dict[bool, Row]] = {}
    for row in rows:
        pairs.setdefault(tuple(row[k] for k in same), {})[favoured(row)] = row
    whole = [(pair[True], pair[False]) for pair in pairs.values() if len(pair) == 2]
    ours = [_wins(one, other, "") for one, other in whole]
    paper = [_wins(one, other, "paper_") for one, other in whole]
    return {
        "title": title,
        "pairs": len(whole),
        "won": sum(won for won, _ in ours),
        "of": sum(of for _, of in ours),
        "paper_won": sum(won for won, _ in paper),
        "paper_of": sum(of for _, of in paper),
    }


def _wins(one: Row, other: Row, prefix: str) -> tuple[int, int]:
    """How many metrics say that `one` is better, of how many that both rows have."""
    known = [m for m in METRICS if one[prefix + m] and other[prefix + m]]
    won = [METRICS[m].better(float(one[prefix + m]), float(other[prefix + m])) for m in known]
    return sum(won), len(won)
