"""What a new study's config says, decided from the clips."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.datasets.splits import assign_splits
from audioldm_bench.errors import UserError
from audioldm_bench.new_study.lengths import Lengths
from audioldm_bench.seeds import derive

DATASET = "mine"  # its name in the config
SEED = 0
LEAST_EVALUATED = 8  # clips; of fewer, metrics have no intervals
LEAST = 20  # clips
EVALUATED, VALIDATED = 0.2, 0.1  # shares of the clips
_PER_SHARD = 2000  # clips
_EPOCHS = 160  # of the training clips
_BATCH = 8  # clips a step: batch_size x accumulate of the LoRA preset


@dataclass(frozen=True)
class Split:
    """The config's `split`, why it is so, and the clips it gives."""

    kind: str
    evaluation: int
    validation: int
    evaluation_folds: list
    stratify: bool
    why: str

    def config(self) -> dict:
        names = ("kind", "evaluation", "validation", "evaluation_folds", "stratify")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Plan:
    """The numbers of the config."""

    clips: int
    classes: list[str]
    split: Split
    counts: dict[str, int]  # clips by split
    nominal: float  # s
    generated: float  # s
    shards: int
    steps: int
    checkpoint_every: int
    warmup: int
    mask: float  # s
    interfering: int  # classes


def make_plan(clips: Sequence[Clip], lengths: Lengths, table: object, *, offline: bool) -> Plan:
    """UserError, naming the `table`, where the clips that can be opened are too few, or their
    split is no split. It is drawn of all clips, as the rule `make_manifest` will draw it."""
    there = lengths.opened(clips)
    if len(there) < LEAST:
        raise UserError(
            f"{table}: {len(there)} sounds are too few for a study; at least {LEAST} are needed"
            f"{lengths.lost()}"
        )
    classes = sorted({label for clip in there for label in clip.labels})
    if offline and len(classes) < 2:
        raise UserError(
            f"{table}: --offline trains classifiers for the metrics, and needs at least two labels;"
            " add the column `label`, or leave --offline out"
        )
    split, counts = _fitted(clips, lengths, _choose_split(clips, lengths, table), table)
    nominal = _nominal(lengths, longest=5.0 if offline else 10.0)
    steps = 120 if offline else _steps(counts["train"])
    descriptions = {clip.labels[0] if clip.labels else clip.caption for clip in there}
    return Plan(
        clips=len(there),
        classes=classes,
        split=split,
        counts=counts,
        nominal=nominal,
        generated=10.24 if not offline else 2.56 if nominal <= 2.5 else 5.12,
        shards=math.ceil(len(there) / _PER_SHARD),
        steps=steps,
        checkpoint_every=math.ceil(steps / (3 if offline else 4)),
        warmup=max(10, steps // 20),
        mask=min(1.0, round(nominal / 4, 2)),
        interfering=max(1, min(10, len(descriptions) - 1)),
    )


def needs_folds(clips: Sequence[Clip]) -> bool:
    """Whether recordings have several clips, and nothing says how to keep them together."""
    own = any(clip.split for clip in clips) or any(clip.fold for clip in clips)
    return not own and len({clip.group for clip in clips}) < len(clips)


def _nominal(lengths: Lengths, longest: float) -> float:
    """The median in halves of a second."""
    return min(longest, max(0.5, round(lengths.median * 2) / 2))


def _steps(trained: int) -> int:
    """About `_EPOCHS` passes in whole 500 steps, 1,000 to 20,000."""
    return min(20000, max(1000, 500 * round(trained * _EPOCHS / _BATCH / 500)))


def _choose_split(clips: Sequence[Clip], lengths: Lengths, table: object) -> Split:
    _refuse_half_filled(clips, table)
    validation = _share(clips, VALIDATED)
    stratify = any(clip.labels for clip in clips)
    if clips[0].split:
        own = any(clip.split == "validation" for clip in clips)
        why = "the column `split` of the csv"
        return Split("official", 0, 0 if own else validation, [], stratify, why)
    folds = Counter(dict.fromkeys((clip.fold for clip in clips), 0))
    folds.update(clip.fold for clip in lengths.opened(clips))
    if len(folds) > 1:
        last = _last_folds(folds)
        told = "the last one is" if len(last) == 1 else f"the last {len(last)} are"
        why = f"the column `fold` of the csv has {len(folds)} folds; {told} evaluated"
        return Split("fold", 0, validation, [_written(f) for f in last], stratify, why)
    why = "drawn with the seed" + (", as many clips of each class" if stratify else "")
    evaluation = max(LEAST_EVALUATED, _share(clips, EVALUATED))
    return Split("random", evaluation, validation, [], stratify, why)


def _last_folds(sizes: Counter[str]) -> list[str]:
    """The last fold; the last ones where it is too small and others are left to train on."""
    by_number = sorted(sizes, key=lambda fold: (len(fold), fold) if fold.isdigit() else (0, fold))
    for number in range(1, len(sizes)):
        if sum(sizes[fold] for fold in by_number[-number:]) >= LEAST_EVALUATED:
            return by_number[-number:]
    return by_number[-1:]


def _written(fold: str) -> int | str:
    """As YAML has it in the config: 5 for "5", but not for "05"."""
    return int(fold) if fold.isdigit() and str(int(fold)) == fold else fold


def _refuse_half_filled(clips: Sequence[Clip], table: object) -> None:
    for column in ("split", "fold"):
        blank = sum(not getattr(clip, column) for clip in clips)
        if 0 < blank < len(clips):
            raise UserError(
                f"{table}: {blank} of {len(clips)} rows have no {column}; fill them, or take the"
                f" column `{column}` out, so that the split is drawn"
            )


def _share(clips: Sequence[Clip], share: float) -> int:
    """That share of the clips; an equal number a class where each class has enough."""
    classes = Counter(clip.labels[0] for clip in clips if clip.labels)
    wanted = share * len(clips)
    if classes and min(classes.values()) >= 4 and wanted >= len(classes) / 2:
        return len(classes) * max(1, round(wanted / len(classes)))
    return max(1, round(wanted))


def _fitted(
    clips: Sequence[Clip], lengths: Lengths, split: Split, table: object
) -> tuple[Split, dict[str, int]]:
    """The split, and how many clips of it can be opened; without validation where every recording
    has more clips than its share, for recordings are kept whole."""
    if split.kind == "official" and all(clip.split != "evaluation" for clip in clips):
        raise _too_few(0, split, lengths, table)
    try:
        drawn = assign_splits(clips, split.config(), _seed())
    except UserError as error:
        if split.validation:
            return _fitted(clips, lengths, replace(split, validation=0), table)
        raise UserError(f"{table}: {error}") from None
    made = Counter(clip.split for clip in lengths.opened(drawn))
    if made["evaluation"] < LEAST_EVALUATED:
        more = math.ceil(split.evaluation * LEAST_EVALUATED / max(1, made["evaluation"]))
        if split.kind != "random" or more >= len(clips):
            raise _too_few(made["evaluation"], split, lengths, table)
        return _fitted(clips, lengths, replace(split, evaluation=more), table)
    if not made["train"]:
        raise UserError(
            f"{table}: no clip is left to train on ({split.why}); mark some as train"
            f"{lengths.lost()}"
        )
    return split, {name: made[name] for name in ("train", "validation", "evaluation")}


def _too_few(evaluated: int, split: Split, lengths: Lengths, table: object) -> UserError:
    return UserError(
        f"{table}: {evaluated} clips would be evaluated ({split.why}); mark at least"
        f" {LEAST_EVALUATED}, or take the column out, so that they are drawn{lengths.lost()}"
    )


def _seed() -> int:
    return derive(SEED, "split", DATASET)
