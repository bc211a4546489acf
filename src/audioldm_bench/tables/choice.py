"""Which checkpoint stands for a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import UserError
from ..files import read_json
from ..labels import METRICS

SELECT_ON = ("evaluation", "validation")  # splits; the paper's is the first
LOSS = "validation_loss"  # in `selected_by`, of a checkpoint that was chosen on validation clips


def check_choice(select_by: str, select_on: Sequence[str] = SELECT_ON) -> None:
    """UserError for a metric or a split by which no checkpoint can be chosen."""
    if select_by not in METRICS:
        known = ", ".join(METRICS)
        raise UserError(f"config: table2.select_by is '{select_by}'; choose one of {known}")
    unknown = [split for split in select_on if split not in SELECT_ON]
    if unknown or not select_on:
        known = ", ".join(SELECT_ON)
        raise UserError(f"config: table2.select_on is {list(select_on)}; choose of {known}")


def best_step(
    metrics: Mapping[int, Path], validation: Mapping[int, Path], *, select_on: str, select_by: str
) -> int:
    """Of the steps of `metrics` the best, of equal ones the earliest.

    On the evaluation set by `select_by` of metrics.json, as the paper does; on the validation split
    by the denoising loss of validation.json. UserError where a step has no such loss.
    """
    if select_on == "validation":
        return min(metrics, key=lambda step: (_loss(validation[step]), step))
    return min(metrics, key=lambda step: (_rank(metrics[step], select_by), step))


def _rank(path: Path, select_by: str) -> float:
    value = read_json(path)[select_by]
    if value is None:
        return float("inf")
    return -value if METRICS[select_by].higher_is_better else value


def _loss(path: Path) -> float:
    loss = read_json(path)["loss"]
    if loss is None:
        raise UserError(
            f"{path}: there is no validation loss, for the dataset has no validation clips: set"
            " datasets.<name>.split.validation, or take validation out of table2.select_on"
        )
    return loss
