"""Disk, GPU, commands and memory: faked, as no machine has all of their troubles."""

from types import SimpleNamespace

import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.preflight import results as r
from audioldm_bench.preflight.disk import bytes_in, check_disk
from audioldm_bench.preflight.gpu import check_gpu
from audioldm_bench.preflight.machine import (
    check_commands,
    check_formats,
    check_lists,
    check_memory,
    check_offline,
    check_threads,
)
from audioldm_bench.preflight.rows import Place, Row
from config_cases import DEFAULT, MINI, merged

ROWS = [
    Row("raw data", 1, "", 1.0, (Place("resources/datasets/a", 600),), temporary=50),
    Row("training", 1, "", 1.0, (Place("results/x/runs/a", 300),), temporary=50, gpu_memory=5),
]


def disk(free):
    return lambda _: SimpleNamespace(free=free)


@pytest.mark.parametrize(
    ("free", "state"), [(999, "problem"), (1000, "warning"), (1199, "warning"), (1200, "ok")]
)
def test_free_disk_against_what_is_to_come(tmp_path, free, state):
    [found] = check_disk(ROWS, tmp_path, disk(free))  # one file system holds both
    assert found.state == state and "results and resources" in found.finding


def test_what_is_there_already_is_not_needed_again(tmp_path):
    path = tmp_path / "resources/datasets/a/b/c.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(400))
    assert bytes_in(tmp_path / "resources") == 400
    assert check_disk(ROWS, tmp_path, disk(720))[0].state == "ok"
    path.write_bytes(bytes(9000))  # more than was estimated: no credit for other stages
    assert check_disk(ROWS, tmp_path, disk(399))[0].state == "problem"


class FakeCuda:
    """A GPU that is as it should be, but for what a test changes."""

    answers = {
        "built_with": "12.6",
        "trouble": "",
        "count": 1,
        "name": "A GPU",
        "capability": (8, 6),
        "architectures": ["sm_80", "sm_90"],
        "memory": (20 * 10**9, 24 * 10**9),
        "bf16": True,
        "error": 1e-6,
    }

    def __init__(self, **changes):
        for name, value in (self.answers | changes).items():
            setattr(self, name, lambda value=value: value)


NEEDS = {"training": 8 * 10**9, "sampling": 5 * 10**9}


def gpu(config=None, needs=NEEDS, **changes):
    found = check_gpu(merged(DEFAULT, config or {}), needs, FakeCuda(**changes))
    return {result.check: result for result in found}, [x for x in found if x.state != "ok"]


def test_a_gpu_that_does():
    found, bad = gpu({"training": {"precision": "bf16"}})
    assert not bad
    assert set(found) == {"GPU", "GPU kernels", "GPU sums", "GPU bf16", "GPU memory"}


def test_a_study_on_the_cpu_asks_for_no_gpu():
    found, bad = gpu({"runtime": {"gpus_per_job": 0}}, built_with=None)
    assert not bad and "runs on the CPU" in found["GPU"].finding


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"built_with": None}, "GPU", "built without CUDA"),
        ({"trouble": "driver too old"}, "GPU", "driver too old"),
        ({"capability": (12, 0)}, "GPU kernels", "12.0; this torch has sm_80, sm_90"),
        ({"capability": (7, 0)}, "GPU kernels", "7.0"),
        ({"error": 0.1}, "GPU sums", "differ from the CPU's"),
        ({"error": float("nan")}, "GPU sums", "differ"),
        ({"memory": (7 * 10**9, 7 * 10**9)}, "GPU memory", "training needs about 8.0 GB"),
    ],
)
def test_a_gpu_that_does_not(changes, check, words):
    _, bad = gpu(**changes)
    assert [(result.check, result.state) for result in bad] == [(check, "problem")]
    assert words in bad[0].finding and bad[0].cure


def test_what_saves_memory_and_is_not_counted_refuses_no_study():
    small = {"memory": (7 * 10**9, 7 * 10**9)}
    for key, value in (("lora", {"rank": 4}), ("gradient_checkpointing", True)):
        _, [found] = gpu({"training": {key: value}}, **small)
        assert found.state == "warning" and f"training.{key} spares is not counted" in found.cure


def test_kernels_that_are_translated_run_on_later_gpus():
    assert not gpu(architectures=["sm_70", "compute_80"], capability=(12, 0))[1]
    assert gpu(architectures=["sm_89"], capability=(8, 6))[1]  # a later revision's do not


def test_bf16_and_memory_in_use():
    _, [lack] = gpu({"training": {"precision": "bf16"}}, bf16=False)
    assert lack.state == "problem" and "training.precision to fp32" in lack.cure
    _, [lack] = gpu({"sampling": {"precision": "bf16"}}, bf16=False)
    assert lack.state == "problem" and "set sampling.precision to" in lack.cure
    _, [used] = gpu(memory=(6 * 10**9, 24 * 10**9))
    assert used.state == "warning" and "training.batch_size" in used.cure
    _, [few] = gpu({"runtime": {"gpus_per_job": 2}})
    assert "set runtime.gpus_per_job to 1" in few.cure
    _, [odd] = gpu({"runtime": {"gpus_per_job": 3}}, count=3)
    assert odd.state == "problem" and "training.batch_size 8" in odd.finding
    _, [few] = gpu({"runtime": {"gpus_per_training": 2}})
    assert "set runtime.gpus_per_training to 1" in few.cure


def test_a_driver_that_fails_at_work():
    cuda = FakeCuda()

    def fail():
        raise RuntimeError("CUDA error: no kernel image\nmore")

    cuda.error = fail
    found = check_gpu(DEFAULT, NEEDS, cuda)
    assert any("no kernel image" in x.finding and x.state == "problem" for x in found)


def test_commands_are_needed_for_youtube_alone(tmp_path):
    assert [x.state for x in check_commands(DEFAULT, tmp_path, lambda _: None)] == ["problem"] * 2
    assert [x.state for x in check_commands(DEFAULT, tmp_path, lambda c: f"/x/{c}")] == ["ok"] * 2
    here = merged(DEFAULT, MINI)
    assert [x.state for x in check_commands(here, tmp_path, lambda _: None)] == ["ok"]


def test_lists_that_are_there_are_read(tmp_path):
    path = tmp_path / DEFAULT["datasets"]["audiocaps"]["evaluation_list"]
    assert check_lists(DEFAULT, tmp_path) == []
    path.parent.mkdir(parents=True)
    path.write_text('{"data": [{"wav": "a/Yx.wav", "caption": "a dog"}]}')
    assert "1 clips" in check_lists(DEFAULT, tmp_path)[0].finding
    path.write_text("<html>")
    [bad] = check_lists(DEFAULT, tmp_path)
    assert bad.state == "problem" and "datasets.audiocaps.evaluation_list" in bad.cure


def test_formats_are_written_and_read(monkeypatch):
    import soundfile

    assert [x.state for x in check_formats()] == ["ok"]

    def broken(path, *_args, **_more):
        raise soundfile.LibsndfileError(1, f"{path.suffix}: ")

    monkeypatch.setattr(soundfile, "write", broken)
    [bad] = check_formats()
    assert bad.state == "problem" and all(kind in bad.finding for kind in ("wav", "flac", "ogg"))


def test_memory_threads_and_the_hub():
    assert check_memory(16_000, "train", 32 * 10**9).state == "ok"
    few = check_memory(16_000, "train", 8 * 10**9)
    assert few.state == "warning" and "train" in few.cure
    assert check_threads(4, 4).state == "ok"
    assert check_threads(4, 2).cure == "set runtime.threads to 2"
    assert check_offline({"HF_HUB_OFFLINE": "1"}).state == "ok"
    assert check_offline({}).state == "problem"


def test_results_travel_and_problems_are_listed(tmp_path):
    found = [
        r.ok("a", "fine"),
        r.warning("b", "hm", "look"),
        r.problem("c", "key x: bad", "mend it"),
    ]
    r.write_results(tmp_path / "a.json", found, ROWS, "a device")
    assert r.read_results(tmp_path / "a.json") == (found, ROWS, "a device")
    text = r.results_table(found) + r.plan_table(ROWS, "a device")
    for word in ("fine", "-> look", "-> mend it", "training", "hours on a device"):
        assert word in text
    assert r.conclude(found[:2]) == "preflight: no problem, 1 warning"
    with pytest.raises(UserError, match="1 problem:\n  - c: key x: bad; mend it"):
        r.conclude(found)
