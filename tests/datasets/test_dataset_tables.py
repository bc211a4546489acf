"""The adapters and splits on the real tables, where the shared data folder is present."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from audioldm_bench.datasets.adapters import scan_dataset, wanted_segments
from audioldm_bench.datasets.splits import assign_splits
from audioldm_bench.datasets.youtube_clips import display_names

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
LISTS = DATA / "audioldm_eval"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real tables are not here (../shared/data)"
)


def split(kind, evaluation=0, validation=0, folds=(), stratify=False):
    return {
        "kind": kind,
        "evaluation": evaluation,
        "validation": validation,
        "evaluation_folds": list(folds),
        "stratify": stratify,
    }


def scan(name, split_config, **more):
    return scan_dataset(DATA / name, {"adapter": name, "split": split_config, **more})


US8K_FOLDS = (873, 888, 925, 990, 936, 823, 838, 806, 816, 837)


def by_split(clips):
    found = defaultdict(list)
    for clip in clips:
        found[clip.split].append(clip)
    return found


def test_esc50_random_split_leaves_32_a_class():
    config = split("random", 400, stratify=True)
    clips = scan("esc50", config)
    assert len(clips) == 2000
    assert set(Counter(clip.label for clip in clips).values()) == {40}
    assert len({clip.label for clip in clips}) == 50
    assert {clip.caption for clip in clips} >= {"dog", "glass breaking"}
    splits = by_split(assign_splits(clips, config, 0))
    assert {key: len(members) for key, members in splits.items()} == {
        "train": 1600,
        "evaluation": 400,
    }
    assert set(Counter(clip.label for clip in splits["train"]).values()) == {32}
    assert set(Counter(clip.label for clip in splits["evaluation"]).values()) == {8}


def test_urbansound8k_counts_and_random_split():
    config = split("random", 870)
    clips = scan("urbansound8k", config)
    assert len(clips) == 8732
    counts = Counter(clip.label for clip in clips)
    fewer = {"car horn": 429, "gun shot": 374, "siren": 929}
    classes = (
        "air conditioner,car horn,children playing,dog bark,drilling,engine idling,gun shot,"
        "jackhammer,siren,street music"
    )
    assert counts == dict.fromkeys(classes.split(","), 1000) | fewer
    assert Counter(clip.fold for clip in clips) == dict(
        zip(map(str, range(1, 11)), US8K_FOLDS, strict=True)
    )
    assert all(clip.start is None for clip in clips)  # the table's times are the recording's
    splits = by_split(assign_splits(clips, config, 0))
    assert (len(splits["evaluation"]), len(splits["train"])) == (870, 7862)


@pytest.mark.parametrize("name, total", [("esc50", 400), ("urbansound8k", 870)])
def test_random_splits_are_seeded_and_validation_is_carved_by_recordings(name, total):
    config = split("random", total, validation=160)
    clips = scan(name, config)
    made = assign_splits(clips, config, 0)
    splits = by_split(made)
    assert len(made) == len(clips) and len(splits["evaluation"]) == total
    assert 150 <= len(splits["validation"]) <= 160
    groups = {key: {clip.group for clip in members} for key, members in splits.items()}
    assert not groups["validation"] & groups["train"]
    assert assign_splits(clips[::-1], config, 0) == made
    other = by_split(assign_splits(clips, config, 1))
    assert {c.clip_id for c in other["evaluation"]} != {c.clip_id for c in splits["evaluation"]}
    bare = by_split(assign_splits(clips, split("random", total), 0))
    assert {c.clip_id for c in bare["evaluation"]} == {c.clip_id for c in splits["evaluation"]}


def test_switching_urbansound8k_to_folds_evaluates_the_whole_fold():
    """The default's 870 is more than the 837 clips of fold 10."""
    config = split("fold", 870, folds=[10])
    splits = by_split(assign_splits(scan("urbansound8k", config), config, 0))
    assert (len(splits["evaluation"]), len(splits["train"])) == (837, 7895)


@pytest.mark.parametrize("name, folds", [("esc50", 5), ("urbansound8k", 10)])
def test_no_recording_leaks_between_folds(name, folds):
    clips = scan(name, split("fold"))
    crossing = 0
    for fold in range(1, folds + 1):
        config = split("fold", folds=[fold], validation=60)
        splits = by_split(assign_splits(clips, config, 0))
        groups = {key: {clip.group for clip in members} for key, members in splits.items()}
        assert not groups["evaluation"] & (groups["train"] | groups["validation"])
        assert not groups["validation"] & groups["train"]
        assert len(splits["evaluation"]) == sum(clip.fold == str(fold) for clip in clips)
        crossing += len(clips) - sum(len(members) for members in splits.values())
    # the published folds do share a few recordings: 4 of ESC-50's, 5 of UrbanSound8K's
    assert crossing == {"esc50": 9, "urbansound8k": 152}[name]


def test_audiocaps_list_of_964():
    config = split("official")
    path = LISTS / "audiocaps_test_nonrepeat_subset_2.json"
    clips = scan("audiocaps", config, evaluation_list=path)
    splits = by_split(assign_splits(clips, config, 0))
    assert {key: len(members) for key, members in splits.items()} == {
        "train": 49838,
        "validation": 495,
        "evaluation": 964,
    }
    ids = {key: {clip.clip_id for clip in members} for key, members in splits.items()}
    assert not ids["evaluation"] & (ids["train"] | ids["validation"])
    assert not ids["validation"] & ids["train"]
    chosen = {clip.clip_id: clip.caption for clip in splits["evaluation"]}
    # not the first caption of the test table: the list's own
    assert chosen["Y7fmOlUlwoNg"].startswith("A machine is making clicking sound")
    first = {clip.clip_id: clip for clip in scan("audiocaps", config)}
    assert first["Y7fmOlUlwoNg"].caption == "Constant rattling noise and sharp vibrations"
    assert sum(clip.split == "evaluation" for clip in first.values()) == 975


def test_audioset_list_of_2034():
    config = split("official")
    path = LISTS / "audioset_eval_data_subset.json"
    clips = scan("audioset", config, evaluation_list=path)
    assert len(clips) == 2034 and {clip.split for clip in clips} == {"evaluation"}
    first = next(clip for clip in clips if clip.clip_id == "Y--4gqARaEJE")
    assert first.caption == "Domestic animals, pets, Squeak, Dog, Animal"
    assert first.labels == ["Domestic animals, pets", "Squeak", "Dog", "Animal"]
    names = display_names(DATA / "audioset/class_labels_indices.csv")
    assert len(names) == len(set(names.values())) == 527
    whole = scan("audioset", config)
    assert len(whole) == 20371
    assert {label for clip in whole for label in clip.labels} == set(names.values())
    config = {"adapter": "audioset", "split": config, "evaluation_list": path}
    pieces = {piece.clip_id: piece for piece in wanted_segments(DATA / "audioset", config)}
    assert len(pieces) == 2034 and pieces["Y--BfvyPmVMo"].start == 20.0


def test_esc10_as_a_users_table():
    config = split("fold", folds=[5], validation=32, stratify=True)
    clips = scan_dataset(
        DATA / "esc10", {"adapter": "table", "table": "esc10.csv", "split": config}
    )
    assert len(clips) == 400
    assert all((DATA / "esc10" / clip.file).is_file() for clip in clips)
    splits = by_split(assign_splits(clips, config, 0))
    assert {key: len(members) for key, members in splits.items()} == {
        "train": 288,
        "validation": 32,
        "evaluation": 80,
    }
    official = by_split(assign_splits(clips, split("official"), 0))
    assert {c.clip_id for c in official["evaluation"]} == {c.clip_id for c in splits["evaluation"]}
