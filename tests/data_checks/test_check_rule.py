"""The rule: what waits for it, and what a user sees when the data cannot be trained on."""

import pytest

from data_checks.check_world import World, sound
from workflow.study import planned, run

SEGMENT = "results/tiny/runs/esc50/scratch-text/step-0000040"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A tiny study of a user's sounds whose evaluation clips are silent: folder, config."""
    folder = tmp_path_factory.mktemp("own")
    world = World(folder / "mine")
    for n in range(4):
        world.add(f"train-{n}.wav", sound(n, 1.3), "train", f"rain {n}", "rain")
        world.add(f"test-{n}.wav", 3e-4 * sound(9 + n, 1.3), "test", f"rain {n}", "rain")
    world.prepare()
    split = {"kind": "official", "evaluation": 0, "stratify": False}
    esc50 = {"adapter": "table", "source": "folder", "folder": str(world.root), "split": split}
    return folder, {"datasets": {"esc50": esc50 | {"table": "sounds.csv", "download": []}}}


def test_all_that_is_trained_waits_for_a_check(tmp_path):
    jobs = planned(tmp_path, SEGMENT)
    assert jobs["train"] == 1 and jobs["check_dataset"] == 2  # of its data and of the corpus
    assert planned(tmp_path, "results/tiny/models/vae")["check_dataset"] == 1


def test_a_silent_split_ends_in_a_sentence(own):
    folder, changes = own
    done = run(folder, "results/tiny/data/esc50/checks.json", changes=changes, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    assert "datasets.esc50: The evaluation split cannot be used" in done.stdout
    page = folder / "results/tiny/state/check_dataset/esc50/check.html"
    assert str(page.relative_to(folder)) in done.stdout
    assert "Stops the study" in page.read_text(encoding="utf-8")
    assert not (folder / "results/tiny/data/esc50/checks.json").exists()  # which training awaits
