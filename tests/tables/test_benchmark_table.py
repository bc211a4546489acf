"""The benchmark table: order, marks, what is in which column, text that fits."""

from __future__ import annotations

import re

import pytest

from audioldm_bench.files import write_json
from audioldm_bench.tables import make_benchmark_table

NAMES = {"fd": "fd_tagger", "is": "is_tagger", "kl": "kl_softmax_tagger", "fad": "fad_embedder"}
NAMES |= {"kl_sigmoid": "kl_sigmoid_tagger"}
ALSO = ["kad_tagger", "fd_infinite_tagger", "clap_score_clap"]
SOURCE = {"seed": 7, "checkpoint_sha256": "c0ffee", "versions": {"torch": "2.13"}}


def values(fd, also=0.002):
    numbers = dict(zip(NAMES.values(), (fd, 5.0, 2.0, fd / 10, 1.0), strict=True))
    numbers |= dict.fromkeys(ALSO, also)
    return {full: {"value": v, "low": 0.9 * v, "high": 1.1 * v} for full, v in numbers.items()}


def gap(difference, low, high):
    return {"difference": difference, "low": low, "high": high, "beyond_chance": low > 0}


def record(also=ALSO, **more):
    """Three systems, the second within chance, the third beyond it; floor and ceiling."""
    systems = {
        "mine": {"rank": 3, "behind": {"fd_tagger": gap(9.0, 7.0, 11.0)}, "values": values(40.0)},
        "baseline-text": {"rank": 1, "behind": {}, "values": values(31.0)},
        "scratch-audio-0000040": {
            "rank": 2,
            "behind": {"fd_tagger": gap(0.5, -0.25, 1.25)},
            "values": values(31.5),
        },
        "floor": {"rank": None, "behind": {}, "values": values(3.0), "n": 200},
        "ceiling-noise": {"rank": None, "behind": {}, "values": values(90.0, also=0.7)},
        "ceiling-shuffled": {"rank": None, "behind": {}, "values": values(0.0, also=0.3)},
    }
    systems["ceiling-shuffled"]["values"]["kl_softmax_tagger"]["value"] = 7.5
    names = NAMES | {full: full for full in also}
    for own in systems.values():
        own["values"] = {full: own["values"][full] for full in names.values()}
    lacks = {"missing_generated": [], "rejected_generated": {}}
    left = dict.fromkeys(systems, lacks)
    left["mine"] = {"missing_generated": ["a", "b"], "rejected_generated": {"c": "empty"}}
    return {
        "n": 397,
        "clip_list_sha256": "ab12",
        "rank_by": "fd_tagger",
        "selected_by": "fd",
        "interval": {"level": 0.95, "replicates": 200},
        "metrics": list(names.values()),
        "names": names,
        "left_out": left,
        "systems": {k: {"n": 397, "provenance": SOURCE} | own for k, own in systems.items()},
    } | more


@pytest.fixture
def compared(tmp_path):
    def write(name="esc50", **more):
        path = tmp_path / f"{name}.json"
        write_json(path, record(**more))
        return path

    return write


def test_rows_by_rank_then_floor_and_ceiling(compared, outputs, read):
    files = {"mine": compared("mine"), "esc50": compared("esc50")}
    make_benchmark_table(files, outputs, labels={"mine": "My model & co"})
    rows = read(outputs["csv"])
    assert [(r["dataset"], r["rank"], r["system"], r["kind"]) for r in rows[:5]] == [
        ("esc50", "1", "baseline-text", "system"),
        ("esc50", "2", "scratch-audio-0000040", "system"),
        ("esc50", "3", "mine", "system"),
        ("esc50", "", "floor", "floor"),
        ("esc50", "", "ceiling", "ceiling"),
    ]
    assert [r["dataset"] for r in rows[5:]] == ["mine"] * 5, "the paper's datasets come first"
    assert (
        rows[1]["label"] == "scratch, audio, 40\u00a0steps" and rows[2]["label"] == "My model & co"
    )
    assert [r["n"] for r in rows[:5]] == ["397", "397", "397", "200", "397"]


def test_columns_hold_values_intervals_and_differences(compared, outputs, read):
    make_benchmark_table({"esc50": compared()}, outputs)
    first, second, third, floor, ceiling = read(outputs["csv"])
    assert list(first)[:10] == [
        *("dataset", "rank", "system", "label", "kind", "n"),
        *("fd", "is", "kl", "fad"),
    ]
    assert first["fd"] == "31.0" and first["fd_behind"] == first["fd_beyond_chance"] == ""
    assert (second["fd_behind"], second["fd_behind_low"]) == ("0.5", "-0.25")
    assert (second["fd_beyond_chance"], third["fd_beyond_chance"]) == ("no", "yes")
    assert (third["kad_tagger"], third["kad_tagger_name"]) == ("0.002", "kad_tagger")
    assert float(third["kad_tagger_low"]) == pytest.approx(0.0018)
    assert (ceiling["fd"], ceiling["kl"]) == ("90.0", "7.5"), "of noise, and of shuffled pairs"
    assert (ceiling["kad_tagger"], ceiling["clap_score_clap"]) == ("0.7", "0.3")
    assert floor["kl"] == "2.0" and floor["fd_behind"] == ""
    assert (first["seed"], first["checkpoint_sha256"]) == ("7", "c0ffee")
    assert (first["rank_by"], first["clip_list_sha256"]) == ("fd_tagger", "ab12")


def test_text_fits_into_a_terminal_and_says_what_it_shows(compared, outputs):
    make_benchmark_table({"esc50": compared()}, outputs, labels={"mine": "Somebody else's model"})
    text = outputs["md"].read_text()
    assert max(map(len, text.splitlines())) <= 120
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({len(line) for line in table.splitlines()}) == 1
    words = " ".join(text.split())
    assert "ESC50: all systems on the same 397 clips." in words
    assert "Intervals: 95 %, from 200 random halves" in words
    assert "Clips lacking: Somebody else's model 3." in words
    assert "+9.00*" in text and "+0.50 |" in text, "the mark is for what is beyond chance"
    assert "7.00 to 11.0" in text and "-0.25 to 1.25" in text
    assert "(a) kad_tagger; (b) fd_infinite_tagger; (c) clap_score_clap" in words
    assert "KAD ↓ (a)" in text and "CLAP score ↑ (c)" in text and "0.0020" in text
    assert "kl_sigmoid" not in text


def test_latex_stands_by_itself(compared, outputs):
    make_benchmark_table({"esc50": compared()}, outputs)
    text = outputs["tex"].read_text()
    assert text.isascii() and text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    for table in text.split(r"\begin{tabular}")[1:]:
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len({len(re.findall(r"(?<!\\)&", row)) for row in rows}) == 1
    labels = re.findall(r"\\label\{(.*)\}", text)
    assert labels == ["tab:benchmark-esc50", "tab:benchmark-esc50-more"]


def test_without_other_metrics_there_is_one_table(compared, outputs, read):
    make_benchmark_table({"esc50": compared(also=[])}, outputs)
    assert outputs["tex"].read_text().count(r"\begin{tabular}") == 1
    assert "other metrics" not in outputs["md"].read_text()
    assert not any(name.startswith("kad") for name in read(outputs["csv"])[0])


def test_the_same_input_gives_the_same_bytes(compared, outputs):
    files = {"esc50": compared("esc50"), "audiocaps": compared("audiocaps")}
    make_benchmark_table(files, outputs)
    first = {kind: path.read_bytes() for kind, path in outputs.items()}
    make_benchmark_table(dict(reversed(files.items())), outputs)
    assert first == {kind: path.read_bytes() for kind, path in outputs.items()}
