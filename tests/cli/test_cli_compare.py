"""`audioldm-bench compare`: ranks, intervals, and the same clips for all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cli_world import read_rows, write_clips


@pytest.fixture
def compared(call, world):
    """As `call` of compare with --reference and --out; also `record` and `csv`."""

    def run(*arguments):
        given = ["--reference", world.real, "--out", "out", "--bootstrap", 40]
        done = call("compare", *arguments, *given)
        assert done.code == 0, done.err
        done.record = json.loads(Path("out/comparison.json").read_text())
        done.csv = read_rows(Path("out/comparison.csv"))
        return done

    return run


def test_systems_are_ranked_with_intervals_of_their_differences(world, compared):
    done = compared(world.bad, f"mine={world.good}")
    systems = done.record["systems"]
    assert [systems[name]["rank"] for name in ("mine", "bad")] == [1, 2]
    assert done.record["rank_by"] == "fd_tagger" and done.record["n"] == 12
    gap = systems["bad"]["behind"]["fd_tagger"]
    values = [systems[name]["values"]["fd_tagger"]["value"] for name in ("bad", "mine")]
    assert gap["difference"] == pytest.approx(values[0] - values[1])
    assert gap["low"] < gap["difference"] < gap["high"]
    assert done.out.index("   1  mine") < done.out.index("   2  bad")
    verdict = "beyond chance" if gap["beyond_chance"] else "may be chance"
    assert "bad minus mine, fd_tagger: " in done.out and f": {verdict}." in done.out
    assert "2 systems on the same 12 clips, ranked by fd_tagger" in done.out
    assert len(done.csv) == 8
    for row in done.csv:
        found = systems[row["system"]]["values"][row["metric"]]
        assert float(row["value"]) == found["value"] and row["n"] == "12"
        assert bool(row["difference"]) is (row["system"] == "bad")


def test_values_are_those_of_evaluate(world, compared, evaluated):
    both = compared(world.bad, world.good).record["systems"]
    alone = evaluated(world.bad, world.real).record["values"]
    for name, found in both["bad"]["values"].items():
        for key in ("value", "low", "high"):
            assert found[key] == pytest.approx(alone[name][key], rel=1e-9)


def test_all_are_scored_on_the_clips_that_all_have(world, compared, tmp_path):
    fewer = write_clips(tmp_path / "fewer", range(3, 14), seed=4)
    (fewer / "notes.txt").touch()
    done = compared(world.bad, fewer, "--metrics", "is", "kl", "--rank-by", "kl_softmax_tagger")
    assert done.record["n"] == 9
    assert {found["n"] for found in done.record["systems"].values()} == {9}
    assert set(done.record["systems"]["bad"]["values"]) == {"is_tagger", "kl_softmax_tagger"}
    assert "bad: 3 of its clips are not scored" in done.out
    assert "no clips, fewer: notes.txt." in done.out
    assert "fewer: without a partner, generated: clip-12, clip-13." in done.out


def test_bounds_are_scored_and_not_ranked(world, compared, tmp_path):
    few = write_clips(tmp_path / "few", range(8), seed=9)
    done = compared(world.bad, world.good, "--bounds", f"floor={few}")
    floor = done.record["systems"]["floor"]
    assert floor["rank"] is None and floor["n"] == 8 and done.record["n"] == 12
    assert "–  floor" in done.out


def test_equal_systems_do_not_differ_beyond_chance(world, compared, tmp_path):
    twin = shutil.copytree(world.good, tmp_path / "twin")
    record = compared(world.good, twin).record
    gap = record["systems"]["twin"]["behind"]["fd_tagger"]
    assert (gap["difference"], gap["beyond_chance"]) == (0.0, False)
