"""Which clips are trained on, validated on and evaluated; every draw is seeded.

The draws work on clips sorted by id, so the order of a table's rows moves nothing. A clip's class
is its first label. `random` draws single clips, as the paper does: clips of one recording can then
stand on both sides. `fold` keeps recordings apart: a training clip whose recording is also in an
evaluation fold is left out (the published folds of ESC-50 and UrbanSound8K hold a few). The
validation split is carved out of training by whole recordings.
"""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.errors import UserError
from audioldm_bench.seeds import derive


def assign_splits(clips: Sequence[Clip], split_config: dict, seed: int) -> list[Clip]:
    """The clips that are used, each with its split, sorted by id.

    `split_config`: kind (random | fold | official), evaluation and validation (numbers of clips),
    evaluation_folds, stratify. With `fold`, evaluation 0, or more than the folds hold, is all of
    them; `official` is the dataset's own split, where evaluation 0 is all and validation 0 what
    the dataset has. Other numbers draw that many of the clips there, and the others are left out.
    UserError when another number is larger than what is there, or the dataset lacks what the kind
    needs.
    """
    clips = sorted(clips, key=lambda clip: clip.clip_id)
    makers = {"random": _random, "fold": _fold, "official": _official}
    kind = split_config["kind"]
    if kind not in makers:
        raise UserError(f"split.kind: {kind!r} is unknown; one of {', '.join(makers)}")
    clips = makers[kind](clips, split_config, seed)
    if not any(clip.split == "evaluation" for clip in clips):
        raise UserError(f"split.kind: {kind} gives no evaluation clips; choose another kind")
    if not split_config["validation"]:
        return clips
    if any(clip.split == "validation" for clip in clips):
        return _truncate(clips, "validation", split_config, seed)
    return _carve_validation(clips, split_config, seed)


def _class(clip: Clip) -> str:
    return clip.labels[0] if clip.labels else ""


def _shuffled(items: Sequence, seed: int, *names: object) -> list:
    """A copy in seeded random order; `items` come in an order of their own."""
    items = list(items)
    random.Random(derive(seed, "split", *names)).shuffle(items)
    return items


def _quotas(sizes: Mapping[str, int], total: int, seed: int, name: str) -> dict[str, int]:
    """Equal shares of `total` a class; what small classes lack is spread over the others."""
    quotas = dict.fromkeys(sorted(sizes), 0)
    open_classes = sorted(sizes)
    left = min(total, sum(sizes.values()))
    while left:
        if len(open_classes) > left:
            open_classes = _shuffled(open_classes, seed, name, "remainder")[:left]
        share = min(left // len(open_classes), min(sizes[c] - quotas[c] for c in open_classes))
        for label in open_classes:
            quotas[label] += share
        left -= share * len(open_classes)
        open_classes = [c for c in open_classes if quotas[c] < sizes[c]]
    return quotas


def _draw(clips: Sequence[Clip], total: int, stratify: bool, seed: int, name: str) -> set[str]:
    """The ids of `total` clips, drawn one by one or an equal number a class."""
    if not stratify:
        return {clip.clip_id for clip in _shuffled(clips, seed, name)[:total]}
    classes = defaultdict(list)
    for clip in clips:
        classes[_class(clip)].append(clip)
    quotas = _quotas({label: len(c) for label, c in classes.items()}, total, seed, name)
    drawn: set[str] = set()
    for label in sorted(classes):
        chosen = _shuffled(classes[label], seed, name, label)[: quotas[label]]
        drawn.update(clip.clip_id for clip in chosen)
    return drawn


def _random(clips: list[Clip], config: dict, seed: int) -> list[Clip]:
    total = config["evaluation"]
    if not 0 < total <= len(clips):
        raise UserError(
            f"split.evaluation: {total} clips are asked for and the dataset has {len(clips)};"
            " set a number between 1 and that"
        )
    drawn = _draw(clips, total, config["stratify"], seed, "evaluation")
    return [replace(c, split="evaluation" if c.clip_id in drawn else "train") for c in clips]


def _fold(clips: list[Clip], config: dict, seed: int) -> list[Clip]:
    chosen = {str(fold) for fold in config["evaluation_folds"]}
    folds = {clip.fold for clip in clips}
    if "" in folds:
        raise UserError("split.kind: fold needs a fold for every clip, which this dataset lacks")
    if not chosen or not chosen <= folds:
        raise UserError(f"split.evaluation_folds: {sorted(chosen)} must be some of {sorted(folds)}")
    evaluated = {clip.group for clip in clips if clip.fold in chosen}
    kept = [
        replace(clip, split="evaluation" if clip.fold in chosen else "train")
        for clip in clips
        if clip.fold in chosen or clip.group not in evaluated
    ]
    held = sum(clip.split == "evaluation" for clip in kept)
    if config["evaluation"] > held:  # a number that was meant for a random split
        words = f"the folds hold {held} clips, fewer than split.evaluation: all are evaluated"
        print(f"[splits] {words}", file=sys.stderr, flush=True)
    drawn = 0 < config["evaluation"] < held
    return _truncate(kept, "evaluation", config, seed) if drawn else kept


def _official(clips: list[Clip], config: dict, seed: int) -> list[Clip]:
    lacking = sum(not clip.split for clip in clips)
    if lacking:
        raise UserError(
            f"split.kind: official: {lacking} of {len(clips)} clips have no split in the dataset's"
            " tables; use random or fold"
        )
    return _truncate(clips, "evaluation", config, seed) if config["evaluation"] else clips


def _truncate(clips: list[Clip], split: str, config: dict, seed: int) -> list[Clip]:
    """As many of the split's clips as the config says, drawn; the others are left out."""
    total = config[split]
    own = [clip for clip in clips if clip.split == split]
    if total > len(own):
        raise UserError(
            f"split.{split}: {total} clips are asked for and the dataset's {split} split has"
            f" {len(own)}; set at most that, or 0 for all"
        )
    drawn = _draw(own, total, config["stratify"], seed, split)
    return [clip for clip in clips if clip.split != split or clip.clip_id in drawn]


def _carve_validation(clips: list[Clip], config: dict, seed: int) -> list[Clip]:
    """Moves whole recordings of the training split to validation, up to the number asked for.

    It can fall short by what no recording fits any more.
    """
    total = config["validation"]
    groups: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.split == "train":
            groups[clip.group or clip.clip_id].append(clip)
    trained = sum(len(members) for members in groups.values())
    if total >= trained:
        raise UserError(
            f"split.validation: {total} clips are asked for out of {trained} training clips;"
            " set fewer, so that some are left to train on"
        )
    sizes = Counter(_class(c) if config["stratify"] else "" for g in groups.values() for c in g)
    left = Counter(_quotas(sizes, total, seed, "validation"))
    moved: set[str] = set()
    for name in _shuffled(sorted(groups), seed, "validation"):
        need = Counter(_class(c) if config["stratify"] else "" for c in groups[name])
        if all(left[label] >= count for label, count in need.items()):
            left -= need
            moved.update(clip.clip_id for clip in groups[name])
    if not moved:
        raise UserError(
            f"split.validation: {total} clips are fewer than any one recording has; set more"
        )
    return [replace(c, split="validation") if c.clip_id in moved else c for c in clips]
