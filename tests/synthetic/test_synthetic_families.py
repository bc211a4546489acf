"""The families bear the names of the original datasets and words of their own."""

import csv
from pathlib import Path

import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.synthetic.families import FAMILIES, choose

REAL = Path(__file__).parents[3] / "shared" / "data"


def table(*parts):
    path = REAL.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the real table {'/'.join(parts)} is not here")
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def stems(text):
    return {word[:3] for word in text.lower().replace("_", " ").replace(",", "").split()}


def test_there_are_many_families_and_no_name_twice():
    assert len(FAMILIES) >= 20
    for names in zip(
        *((f.audioset, f.esc50, f.urbansound8k) for f in FAMILIES.values()), strict=True
    ):
        given = [name for name in names if name]
        assert len(set(given)) == len(given)
    assert {f.urbansound8k[1] for f in FAMILIES.values() if f.urbansound8k} == set(range(10))


def test_names_are_those_of_audioset():
    real = {
        (row["mid"], row["display_name"]) for row in table("audioset", "class_labels_indices.csv")
    }
    assert {f.audioset for f in FAMILIES.values()} <= real


def test_names_are_those_of_esc50():
    real = {(row["category"], int(row["target"])) for row in table("esc50", "esc50.csv")}
    assert {f.esc50 for f in FAMILIES.values() if f.esc50} <= real


def test_names_are_those_of_urbansound8k():
    real = {
        (row["class"], int(row["classID"])) for row in table("urbansound8k", "UrbanSound8K.csv")
    }
    assert {f.urbansound8k for f in FAMILIES.values() if f.urbansound8k} == real


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_words_of_all_datasets_overlap(family):
    """A text model of the wide corpus alone must have a word of each label and caption."""
    known = stems(family.audioset[1])
    labels = [label[0] for label in (family.esc50, family.urbansound8k) if label]
    assert len(family.clauses) >= 2
    assert len(family.phrases) >= 2
    for text in (*family.clauses, *family.phrases, *labels):
        assert stems(text) & known, text


def test_chosen_classes_keep_their_order():
    assert [f.name for f in choose("urbansound8k", ["siren", "dog_bark"])] == ["siren", "dog"]
    assert len(choose("audioset", None)) == len(FAMILIES)
    assert len(choose("urbansound8k", None)) == 10


@pytest.mark.parametrize(
    ("layout", "classes", "word"),
    [
        ("esc50", ["dog_bark"], "dog_bark"),  # another dataset's name
        ("esc50", ["jackhammer"], "church_bells"),  # the cure lists what there is
        ("esc50", [], "at least one"),
        ("esc50", ["dog", "dog"], "once"),
        ("audioset", "dog", "list"),
    ],
)
def test_strange_classes_are_refused(layout, classes, word):
    with pytest.raises(UserError, match=word):
        choose(layout, classes)
