"""Splits: counts, seeds, recordings that stay together, and refusals."""

import random
from collections import Counter, defaultdict

import pytest

from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.datasets.splits import assign_splits
from audioldm_bench.errors import UserError


def clips(n=120, classes=6, takes=3, split=""):
    """`takes` clips of each recording, recordings in folds of their own, classes in turn."""
    return [
        Clip(
            clip_id=f"c{number:03d}",
            file=f"{number}.wav",
            label=f"class {number // takes % classes}",
            group=f"r{number // takes}",
            fold=str(number // takes % 5 + 1),
            split=split,
        )
        for number in range(n)
    ]


def config(kind, **more):
    empty = {"evaluation": 0, "validation": 0, "evaluation_folds": [], "stratify": False}
    return {"kind": kind} | empty | more


def count(made):
    return dict(Counter(clip.split for clip in made))


def chosen(made, split="evaluation"):
    return {clip.clip_id for clip in made if clip.split == split}


@pytest.mark.parametrize("stratify", [False, True])
def test_random_split_is_seeded_and_blind_to_row_order(stratify):
    rows = clips()
    wanted = config("random", evaluation=30, validation=12, stratify=stratify)
    made = assign_splits(rows, wanted, 1)
    counts = count(made)
    assert counts["evaluation"] == 30 and 10 <= counts["validation"] <= 12  # whole recordings
    train = [clip.group for clip in made if clip.split == "train"]
    assert not set(train) & {clip.group for clip in made if clip.split == "validation"}
    random.Random(0).shuffle(rows)
    assert assign_splits(rows, wanted, 1) == made
    assert chosen(assign_splits(rows, wanted, 2)) != chosen(made)


def test_stratified_draw_is_equal_a_class_also_where_some_are_small():
    rows = [
        Clip(f"c{n:02d}", f"{n}.wav", label="rare" if n < 3 else f"k{n % 3}") for n in range(60)
    ]
    made = assign_splits(rows, config("random", evaluation=26, stratify=True), 0)
    counts = Counter(clip.label for clip in made if clip.split == "evaluation")
    assert counts["rare"] == 3 and sum(counts.values()) == 26
    assert sorted(counts[f"k{n}"] for n in range(3)) == [7, 8, 8]


def test_fewer_drawn_than_classes():
    made = assign_splits(clips(), config("random", evaluation=4, stratify=True), 0)
    labels = [clip.label for clip in made if clip.split == "evaluation"]
    assert len(labels) == len(set(labels)) == 4


def test_folds_and_validation_keep_recordings_together():
    rows = clips()
    rows.append(Clip("z", "z.wav", label="class 0", group="r0", fold="2"))  # r0 is in fold 1
    wanted = config("fold", evaluation_folds=[1, 3], validation=17, stratify=True)
    made = assign_splits(rows, wanted, 0)
    sides = defaultdict(set)
    for clip in made:
        sides[clip.group].add(clip.split)
    assert all(len(splits) == 1 for splits in sides.values())
    assert {clip.fold for clip in made if clip.split == "evaluation"} == {"1", "3"}
    assert "z" not in {clip.clip_id for clip in made}
    # 17 is no multiple of a recording's 3 clips: the split falls short, never over
    assert 0 < count(made)["validation"] <= 17
    assert len(made) == 120


def test_fewer_clips_of_a_fold():
    made = assign_splits(clips(), config("fold", evaluation_folds=[2], evaluation=6), 0)
    assert count(made) == {"train": 96, "evaluation": 6}
    assert {clip.fold for clip in made if clip.split == "evaluation"} == {"2"}


def test_a_number_meant_for_a_random_split_takes_all_of_the_folds(capsys):
    """Who only switches `kind` keeps the number, which may be more than the folds hold."""
    made = assign_splits(clips(), config("fold", evaluation_folds=[2], evaluation=25), 0)
    assert count(made) == {"train": 96, "evaluation": 24}
    assert "the folds hold 24 clips, fewer than split.evaluation" in capsys.readouterr().err
    assign_splits(clips(), config("fold", evaluation_folds=[2], evaluation=24), 0)
    assert capsys.readouterr().err == ""


def test_official_split_is_kept_or_cut():
    rows = clips(60, split="train") + [
        Clip(f"{split[0]}{n}", f"{split}{n}", split=split)
        for split in ("validation", "evaluation")
        for n in range(20)
    ]
    assert count(assign_splits(rows, config("official"), 0)) == {
        "train": 60,
        "validation": 20,
        "evaluation": 20,
    }
    cut = assign_splits(rows, config("official", evaluation=8, validation=5), 0)
    assert count(cut) == {"train": 60, "validation": 5, "evaluation": 8}
    own = [clip for clip in rows if clip.split != "validation"]
    carved = assign_splits(own, config("official", validation=6), 0)
    assert count(carved) == {"train": 54, "validation": 6, "evaluation": 20}


@pytest.mark.parametrize(
    "wanted, words",
    [
        (config("random"), "split.evaluation: 0 clips"),
        (config("random", evaluation=121), "split.evaluation: 121 clips .* has 120"),
        (config("random", evaluation=60, validation=60), "split.validation: 60 clips .* of 60"),
        (config("random", evaluation=120), None),
        (config("fold"), "split.evaluation_folds"),
        (config("fold", evaluation_folds=[1, 9]), "split.evaluation_folds: .*'9'"),
        (config("fold", evaluation_folds=[1], validation=2), "fewer than any one recording"),
        (config("official"), "120 of 120 clips have no split"),
        (config("odd"), "split.kind: 'odd'"),
    ],
)
def test_impossible_splits_are_refused(wanted, words):
    if words is None:
        assert count(assign_splits(clips(), wanted, 0)) == {"evaluation": 120}
        return
    with pytest.raises(UserError, match=words):
        assign_splits(clips(), wanted, 0)


def test_official_split_without_evaluation_or_too_small():
    with pytest.raises(UserError, match="no evaluation clips"):
        assign_splits(clips(split="train"), config("official"), 0)
    with pytest.raises(UserError, match="split.evaluation: 121 .* has 120"):
        assign_splits(clips(split="evaluation"), config("official", evaluation=121), 0)
    rows = [*clips(5), Clip("nofold", "nofold.wav")]
    with pytest.raises(UserError, match="a fold for every clip"):
        assign_splits(rows, config("fold", evaluation_folds=[1]), 0)
