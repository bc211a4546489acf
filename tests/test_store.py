"""Whole or not at all; the same bytes wherever a build was killed."""

import multiprocessing
import time

import numpy as np
import pytest

from audioldm_bench.files import (
    folder_sha256,
    read_json,
    replace_folder,
    write_atomically,
    write_json,
)
from audioldm_bench.resume import clear_state, fingerprint, resume_state, was_finished
from audioldm_bench.store import Part, Store, build_store, write_store

IDS = [f"clip{number}" for number in range(10)]


def rows(ids):
    number = [int(i[4:]) for i in ids]
    kept = [i for i in ids if i != "clip7"]
    return Part(
        kept,
        {
            "ragged": [np.full(n + 1, n, np.float32) for n in number if n != 7],
            "square": np.array([[n, n * n] for n in number if n != 7], np.float32),
        },
        {"clip7": "silent"} if "clip7" in ids else {},
    )


def build(path, compute=rows, **changes):
    options = {"state": path.parent / "state", "fingerprint": "a", "part_size": 3}
    build_store(path, IDS, compute, **options | changes)


def test_a_store_gives_back_rows_ids_and_reasons(tmp_path):
    build(tmp_path / "a.h5", attrs={"sample_rate": 16000})
    with Store(tmp_path / "a.h5") as store:
        assert store.ids == [i for i in IDS if i != "clip7"]
        assert store.names == ["ragged", "square"]
        assert store.get("ragged", "clip9").tolist() == [9.0] * 10
        assert store.get("square", "clip8").tolist() == [8.0, 64.0]
        assert store.array("square").shape == (9, 2)
        assert store.flat("ragged").shape == (sum(range(1, 11)) - 8,)
        assert store.rejected == {"clip7": "silent"} and store.attrs == {"sample_rate": 16000}
        with pytest.raises(ValueError, match="ragged"):
            store.array("ragged")


def test_shards_read_as_one(tmp_path):
    build_store(tmp_path / "0.h5", IDS[:4], rows, state=tmp_path / "s0", fingerprint="a")
    build_store(tmp_path / "1.h5", IDS[4:], rows, state=tmp_path / "s1", fingerprint="a")
    with Store([tmp_path / "0.h5", tmp_path / "1.h5"]) as store:
        assert len(store) == 9 and store.get("square", "clip5").tolist() == [5.0, 25.0]
        assert store.array("square")[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def test_a_killed_build_continues_and_gives_the_same_bytes(tmp_path):
    build(tmp_path / "whole.h5", state=tmp_path / "other")
    asked = []

    def failing(ids):
        asked.append(ids)
        if ids[0] == "clip6":
            raise KeyboardInterrupt
        return rows(ids)

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "broken.h5", failing)
    assert not (tmp_path / "broken.h5").exists()
    asked.clear()
    build(tmp_path / "broken.h5", lambda ids: asked.append(ids) or rows(ids))
    assert asked == [IDS[6:9], IDS[9:]]
    assert (tmp_path / "broken.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_state_of_other_work_is_thrown_away_and_told(tmp_path, capfd):
    with resume_state(tmp_path / "s", "a") as folder:
        (folder / "left").touch()
    with resume_state(tmp_path / "s", "a") as folder:
        assert (folder / "left").exists()
    assert not capfd.readouterr().err
    with resume_state(tmp_path / "s", "b") as folder:
        assert not (folder / "left").exists()
    assert f"{tmp_path / 's'} is of other inputs or settings" in capfd.readouterr().err
    with resume_state(tmp_path / "s", "c"):
        assert not capfd.readouterr().err, "there was nothing to lose"


def test_a_part_without_a_usable_clip_is_no_trouble(tmp_path):
    def only_last(ids):
        if "clip9" in ids:
            return rows(ids)
        return Part([], {"ragged": [], "square": np.zeros((0, 2))}, dict.fromkeys(ids, "empty"))

    build(tmp_path / "a.h5", only_last)
    with Store(tmp_path / "a.h5") as store:
        assert store.ids == ["clip9"] and len(store.rejected) == 9
        assert store.get("ragged", "clip9").shape == (10,)


def test_parts_that_are_at_hand_make_the_same_file(tmp_path):
    build(tmp_path / "a.h5", attrs={"sample_rate": 16000})
    parts = (rows(IDS[i : i + 3]) for i in range(0, len(IDS), 3))
    write_store(tmp_path / "b.h5", parts, {"sample_rate": 16000})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def orphan(folder, out, ready):
    with resume_state(folder, "a") as state:
        ready.set()
        time.sleep(0.5)
        out.write_text("by the orphan")
        clear_state(state)


def test_a_second_process_waits_for_an_orphan_and_takes_its_work(tmp_path, capfd):
    ready = multiprocessing.Event()
    args = (tmp_path / "s", tmp_path / "out", ready)
    process = multiprocessing.Process(target=orphan, args=args)
    process.start()
    assert ready.wait(10)
    with resume_state(tmp_path / "s", "a") as state:
        assert was_finished(state) and (tmp_path / "out").exists()
    process.join()
    assert "still at work" in capfd.readouterr().err
    with resume_state(tmp_path / "s", "a") as state:
        assert not was_finished(state)  # a run of its own starts over


def test_a_failed_write_leaves_what_was_there(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1})
    with pytest.raises(RuntimeError), write_atomically(tmp_path / "a.json") as draft:
        draft.write_text("half")
        raise RuntimeError
    assert read_json(tmp_path / "a.json") == {"b": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"b": float("nan")})


def test_identity_of_folders_and_files(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a").write_text("1")
    before, named = folder_sha256(tmp_path / "f"), fingerprint(folder=tmp_path / "f", steps=3)
    (tmp_path / "f" / ".hidden").touch()
    assert folder_sha256(tmp_path / "f") == before
    assert fingerprint(folder=tmp_path / "f", steps=3) == named
    assert fingerprint(folder=tmp_path / "f", steps=4) != named
    (tmp_path / "f" / "a").write_text("22")
    assert folder_sha256(tmp_path / "f") != before
    assert fingerprint(folder=tmp_path / "f", steps=3) != named
    (tmp_path / "g").mkdir()
    replace_folder(tmp_path / "f", tmp_path / "g")
    assert (tmp_path / "g" / "a").read_text() == "22" and not (tmp_path / "f").exists()
