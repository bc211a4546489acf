"""Floor and ceiling rows: where their values come from, where they stand, what is said of them."""

from __future__ import annotations

import pytest

from audioldm_bench.files import read_json, write_json
from audioldm_bench.tables import make_table1, make_table2
from audioldm_bench.tables.bounds import merged, source_of


@pytest.mark.parametrize(
    ("variant", "ceiling"),
    [
        ("fd", "ceiling-noise"),
        ("is", "ceiling-noise"),
        ("fad", "ceiling-noise"),
        ("kad", "ceiling-noise"),
        ("kl_softmax", "ceiling-shuffled"),
        ("kl_sigmoid", "ceiling-shuffled"),
        ("clap_score", "ceiling-shuffled"),
    ],
)
def test_metrics_of_pairs_have_shuffled_pairs_as_their_ceiling(variant, ceiling):
    assert source_of(variant, "ceiling") == ceiling
    assert source_of(variant, "floor") == "floor"


def test_merging_takes_each_value_from_its_own_system():
    values = {name: {"fd_vggish": (name, 1), "kl_softmax_tagger": (name, 2)} for name in (
        "floor", "ceiling-noise", "ceiling-shuffled")}  # fmt: skip
    assert merged(values, "floor") == values["floor"]
    assert merged(values, "ceiling") == {
        "fd_vggish": ("ceiling-noise", 1),
        "kl_softmax_tagger": ("ceiling-shuffled", 2),
    }
    del values["ceiling-shuffled"]
    assert merged(values, "ceiling") == {"fd_vggish": ("ceiling-noise", 1)}, "no other's value"


def test_table1_ends_each_dataset_with_floor_and_ceiling(measure, outputs, bounds, read):
    given = [("audiocaps", "text", measure()), ("esc50", "audio", measure())]
    more = [*bounds("audiocaps"), *bounds("esc50"), *bounds("audioset")]
    make_table1(given, outputs, bounds=more)
    rows = read(outputs["csv"])
    assert [(r["dataset"], r["test_condition"], r["kind"]) for r in rows] == [
        ("esc50", "audio", "system"),
        ("esc50", "floor", "floor"),
        ("esc50", "ceiling", "ceiling"),
        ("audiocaps", "text", "system"),
        ("audiocaps", "floor", "floor"),
        ("audiocaps", "ceiling", "ceiling"),
    ]
    floor, ceiling = rows[1:3]
    assert [floor[m] for m in ("fd", "is", "kl", "fad")] == ["0.5", "9.0", "0.25", "0.75"]
    assert [ceiling[m] for m in ("fd", "is", "kl", "fad")] == ["90.0", "1.0", "6.5", "80.0"]
    assert float(ceiling["kl_high"]) == pytest.approx(7.15), "its interval goes with it"
    assert ceiling["kl_name"] == "kl_softmax_panns_cnn14_16k"
    for row in (floor, ceiling):
        assert row["paper_fd"] == row["difference_fd"] == row["missing"] == ""


def test_table2_leaves_the_training_columns_empty(measure, outputs, bounds, read):
    runs = [("esc50", "scratch", "text", 20, measure())]
    make_table2(runs, outputs, select_by="fd", bounds=bounds("esc50"))
    _, floor, ceiling = read(outputs["csv"])
    for row, kind in ((floor, "floor"), (ceiling, "ceiling")):
        assert (row["train_condition"], row["kind"]) == (kind, kind)
        assert row["pretrained"] == row["train_steps"] == row["selected_by"] == ""
        assert row["paper_train_steps"] == row["train_missing"] == ""


def test_without_shuffled_pairs_the_ceiling_has_no_kl(measure, outputs, bounds, read):
    make_table1([("esc50", "text", measure())], outputs, bounds=bounds("esc50")[:2])
    ceiling = read(outputs["csv"])[-1]
    assert (ceiling["fd"], ceiling["kl"], ceiling["kl_low"]) == ("90.0", "", "")


def test_the_text_says_what_floor_and_ceiling_are(measure, outputs, bounds):
    given = [("esc50", "text", measure()), ("audioset", "text", measure())]
    make_table1(given, outputs, bounds=[*bounds("esc50"), *bounds("audioset", "halves")])
    for kind in ("md", "tex"):
        text = " ".join(outputs[kind].read_text().split())
        assert (
            "Floor: real clips from outside the evaluation set (AudioSet: half of the evaluation "
            "clips under the names of the rest). Ceiling: white noise as loud as the real clips; "
            "for KL, the real clips "
            "under the names of others."
        ) in text
    make_table1(given[1:], outputs, bounds=bounds("audioset", "halves"))
    assert "Floor: half of the evaluation" in " ".join(outputs["md"].read_text().split())
    make_table1(given, outputs)
    assert "Floor" not in outputs["md"].read_text()


def test_floor_and_ceiling_say_nothing_of_seeds_and_missing_clips(measure, outputs, bounds):
    files = bounds("esc50")
    write_json(files[0][2], read_json(files[0][2]) | {"provenance": {"seed": 4321}, "n": 3})
    make_table1([("esc50", "text", measure())], outputs, bounds=files)
    text = outputs["md"].read_text()
    assert "Seed: 7." in text and "4321" not in text
