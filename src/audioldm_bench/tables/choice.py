"""Which checkpoint stands for a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..files import read_json
from ..labels import METRICS


def check_metric(select_by: str) -> None:
    """UserError for a metric by which no checkpoint can be chosen."""
    if select_by not in METRICS:
        known = ", ".join(METRICS)
        raise UserError(f"config: table2.select_by is '{select_by}'; choose one of {known}")


def best_step(steps: Sequence[tuple[int, Path]], select_by: str) -> tuple[int, Path]:
    """The (step, metrics.json) with the best `select_by`; of equal ones the fewest steps."""
    metric = METRICS[select_by]

    def rank(item: tuple[int, Path]) -> tuple[float, int]:
        value = read_json(item[1])[select_by]
        if value is None:
            return float("inf"), item[0]
        return (-value if metric.higher_is_better else value), item[0]

    return min(steps, key=rank)
