"""`audioldm-bench evaluate`: files, table and remarks, on small networks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from cli_world import RATE, sound, write_clips

from audioldm_bench.features.registry import BACKBONES

PAPERS = ["fd_tagger", "is_tagger", "kl_softmax_tagger", "fad_embedder"]


@pytest.fixture
def mixed(world, tmp_path):
    """Five names shared with `real`, in four formats; two without a partner, two unusable."""
    folder = write_clips(tmp_path / "mixed", range(2), seed=3)
    write_clips(folder, [2], seed=3, suffix="flac")
    write_clips(folder, [3], seed=3, suffix="ogg")
    write_clips(folder, [4, 20, 21], seed=3, suffix="mp3", seconds=1.0)
    (folder / "clip-05.wav").write_text("this is no sound")
    soundfile.write(folder / "clip-06.wav", np.full(800, np.nan), RATE, subtype="FLOAT")
    (folder / "notes.txt").write_text("not a clip")
    return folder


def test_four_metrics_with_intervals_in_json_csv_and_table(world, evaluated):
    done = evaluated(world.good, world.real, few=False)
    assert set(done.record["values"]) == set(PAPERS)
    for name in PAPERS:
        found = done.record["values"][name]
        assert found["low"] <= found["value"] <= found["high"] and found["n"] == 12
        assert f"{name}\n" in done.out
    assert done.record["fd"] == done.record["values"]["fd_tagger"]["value"] > 0
    assert done.record["names"] == dict(zip(("fd", "is", "kl", "fad"), PAPERS, strict=True))
    assert done.record["mode"] == "paired" and done.record["n"] == 12
    assert done.record["interval"] == {
        "method": "half-sampling",
        "replicates": 200,
        "level": 0.95,
        "seed": 0,
    }
    assert done.record["folders"]["generated"] == str(world.good)
    assert done.record["versions"]["audioldm-bench"]
    assert [row["metric"] for row in done.csv] == PAPERS
    for row in done.csv:
        assert float(row["value"]) == done.record["values"][row["metric"]]["value"]
        assert len(row["weights_sha256"]) == len(row["clip_list_sha256"]) == 64
    assert "12 pairs of clips" in done.out and "95 % interval" in done.out and "IS ↑" in done.out
    assert "Made: out/metrics.json, out/metrics.csv" in done.out


def test_better_clips_score_better_and_the_same_call_gives_the_same_bytes(world, evaluated):
    bad = evaluated(world.bad, world.real).record
    written = Path("out/metrics.json").read_bytes()
    shutil.rmtree("out")
    assert evaluated(world.bad, world.real).record == bad
    assert Path("out/metrics.json").read_bytes() == written
    good = evaluated(world.good, world.real).record
    for key in ("fd", "kl", "fad"):
        assert good[key] < bad[key]


def test_a_second_call_embeds_nothing(world, evaluated, monkeypatch):
    evaluated(world.good, world.real)

    def refuse(*_):
        raise AssertionError("a network was loaded again")

    for name in ("tagger", "embedder"):
        monkeypatch.setitem(BACKBONES, name, refuse)
    done = evaluated(world.good, world.real, "--metrics", "kad", "fd_infinite_embedder", "kl")
    names = ["kad_tagger", "fd_infinite_embedder", "kl_softmax_tagger"]
    assert [row["metric"] for row in done.csv] == names
    alone = evaluated(world.good, world.real, "--metrics", "fd")
    assert "not used, for no metric asked for needs them: embedder" in alone.err
    assert done.record["values"]["kad_tagger"]["bandwidth"] > 0


def test_what_is_unpaired_or_set_aside_is_named(mixed, world, evaluated):
    done = evaluated(mixed, world.real)
    assert done.record["n"] == 5
    unpaired = done.record["unpaired"]
    assert set(unpaired["rejected_generated"]) == {"clip-05", "clip-06"}
    assert unpaired["missing_reference"] == ["clip-20", "clip-21"]
    assert unpaired["missing_generated"] == [f"clip-{n:02d}" for n in (7, 8, 9, 10, 11)]
    assert "set aside, generated: clip-05 (unreadable" in done.out
    assert "without a partner, generated: clip-20, clip-21." in done.out
    assert "without a partner, reference: clip-07, clip-08," in done.out
    assert "no clips, generated: notes.txt." in done.out
    assert "fd_tagger has no interval" in done.out, "five clips are too few for one"
    assert all(row["low"] == "" and row["value"] for row in done.csv)


def test_long_lists_are_cut_after_five_names(world, evaluated, tmp_path):
    more = write_clips(tmp_path / "more", range(10, 22))
    done = evaluated(more, world.real)
    assert "reference: clip-00, clip-01, clip-02, clip-03, clip-04, … (10 in all)." in done.out
    assert len(done.record["unpaired"]["missing_generated"]) == 10
    assert "Most clips have no partner (2 pairs)" in done.out and "--unpaired" in done.out


def test_silence_is_scored_and_said(world, evaluated, tmp_path):
    folder = shutil.copytree(world.good, tmp_path / "quiet")
    soundfile.write(folder / "clip-03.flac", np.zeros(8000), RATE)
    done = evaluated(folder, world.real)
    assert done.record["n"] == 12
    assert done.record["remarks"]["generated"]["silent"] == ["clip-03"]
    assert "silent, and scored, generated: clip-03." in done.out


def test_unpaired_folders_are_compared_as_a_whole(world, evaluated, tmp_path):
    folder = tmp_path / "foreign"
    folder.mkdir()
    for number in range(9):
        soundfile.write(folder / f"made-{number}.wav", sound(number, seed=5), RATE)
    asked = ["fd", "is", "kl", "fad", "kad", "fd_infinite"]
    done = evaluated(folder, world.real, "--unpaired", "--metrics", *asked)
    assert done.record["mode"] == "unpaired"
    assert (done.record["n"], done.record["n_reference"]) == (9, 12)
    assert set(done.record["left_out"]) == {"kl_softmax_tagger"} and "kl" not in done.record
    assert "kl_softmax_tagger is left out: it compares each clip" in done.out
    assert "9 against 12 clips, unpaired" in done.out
    rows = {row["metric"]: row for row in done.csv}
    assert rows["kl_softmax_tagger"]["value"] == "" and rows["kl_softmax_tagger"]["left_out"]
    for name in ("fd_tagger", "is_tagger", "fad_embedder", "kad_tagger", "fd_infinite_tagger"):
        assert float(rows[name]["low"]) <= float(rows[name]["high"])


def test_unpaired_values_are_the_paired_ones_where_no_pair_matters(world, evaluated):
    asked = ["--metrics", "fd", "is", "fad", "kad"]
    paired = evaluated(world.bad, world.real, *asked).record["values"]
    unpaired = evaluated(world.bad, world.real, *asked, "--unpaired").record["values"]
    for name, found in unpaired.items():
        assert found["value"] == pytest.approx(paired[name]["value"], rel=1e-9)


def test_duration_seed_and_replicates_are_heard(world, evaluated):
    whole = evaluated(world.bad, world.real).record
    cut = evaluated(world.bad, world.real, "--duration", "0.3", "--bootstrap", "30").record
    assert cut["fd"] != whole["fd"] and cut["interval"]["replicates"] == 30
    other = evaluated(world.bad, world.real, "--seed", "1").record
    assert other["fd"] == whole["fd"]
    assert other["values"]["fd_tagger"]["low"] != whole["values"]["fd_tagger"]["low"]
    none = evaluated(world.bad, world.real, "--bootstrap", "0")
    assert none.record["values"]["fd_tagger"]["low"] is None and "no interval" in none.out


def test_results_without_out_are_beside_and_never_those_of_another(world, call, tmp_path):
    assert call("evaluate", world.good, world.real).code == 0
    assert (tmp_path / "good-metrics" / "metrics.csv").is_file()
    assert call("evaluate", world.good, world.real).code == 0
    other = shutil.copytree(world.bad, tmp_path / "elsewhere" / "good")
    for sides in ((other, world.real), (world.good, world.bad)):
        refused = call("evaluate", *sides)
        assert refused.code == 1 and "name another folder for these results by --out" in refused.err
