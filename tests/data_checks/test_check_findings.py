"""What is said of a sound dataset and of one with every kind of trouble."""

import numpy as np
import pytest

from audioldm_bench.data_checks.findings import SEVERITIES
from audioldm_bench.data_checks.texts import fault
from audioldm_bench.datasets.manifest import Clip
from audioldm_bench.errors import UserError
from data_checks.check_world import World, fill, sound

# kind: severity, clips of it (pairs: both sides)
TROUBLE = {
    "missing": ("warning", {"gone"}),
    "unreadable": ("warning", {"broken"}),
    "silent": ("warning", {"zeros", "quiet"}),
    "clipped": ("note", {"hot"}),
    "short": ("warning", {"tick"}),
    "padded": ("note", {"nearly"}),
    "long": ("warning", {"long", "long-copy"}),
    "low-rate": ("warning", {"dull"}),
    "mixed-rates": ("note", set()),
    "channels": ("note", {"stereo"}),
    "captions": ("warning", {"nameless", "rec_0017"}),
    "mostly-silent": ("note", {"click"}),
    "exact-leak": ("warning", {"train-dog-0", "copy", "long", "long-copy"}),
    "exact-copy": ("note", {"train-rain-1", "twin"}),
    "near-train-evaluation": ("warning", {"train-dog-1", "again"}),
    "unseen-evaluation": ("warning", set()),
    "unheard": ("note", set()),
    "few": ("note", set()),
}


def named(finding) -> set[str]:
    """Clip ids of a finding, of pairs both sides."""
    sides = [pair[side] for pair in finding.pairs for side in ("one", "other")]
    return {clip["clip_id"] for clip in [*finding.clips, *sides]}


def test_nothing_is_said_of_a_sound_dataset(sound_world):
    world, findings = sound_world
    assert findings == {}
    assert "Nothing was found" in world.page
    assert world.checks["clips"]["evaluation"] == {"named": 15, "usable": 15}
    assert world.checks["classes"]["dog"] == {"train": 6, "validation": 0, "evaluation": 5}


def test_each_trouble_is_found_and_no_other(troubled_world):
    _, findings = troubled_world
    found = {kind: (f.severity, named(f)) for kind, f in findings.items()}
    assert found == TROUBLE


def test_the_worst_comes_first(troubled_world):
    world, _ = troubled_world
    severities = [finding["severity"] for finding in world.checks["findings"]]
    assert severities == sorted(severities, key=SEVERITIES.index)


def test_what_is_lost_is_told(troubled_world):
    _, findings = troubled_world
    lost = {clip["clip_id"]: clip["about"] for clip in findings["long"].clips}
    assert lost == {"long": "28.00 s lost", "long-copy": "28.00 s lost"}
    assert "% of all sound is cut off" in findings["long"].title
    assert "owl" in findings["unseen-evaluation"].title
    assert "peak -73 dB" in findings["silent"].clips[-1]["about"]


def test_each_warning_is_one_line_of_the_log(troubled_world, capsys):
    world, _ = troubled_world
    world.check()
    lines = [line for line in capsys.readouterr().err.splitlines() if "warning:" in line]
    warned = [kind for kind, (severity, _) in TROUBLE.items() if severity == "warning"]
    assert len(lines) == len(warned)
    assert all(line.startswith("[check_dataset mine] warning: ") for line in lines)


def test_a_check_gives_the_same_bytes_again(troubled_world):
    world, _ = troubled_world
    files = [world.work / "checks.json", world.work / "check.html"]
    before = [path.read_bytes() for path in files]
    world.check()
    assert [path.read_bytes() for path in files] == before
    assert not list((world.work / "checking").iterdir())


def test_an_evaluation_only_dataset_needs_no_training_clips(sound_world, tmp_path):
    world = World(tmp_path)
    for n in range(4):
        world.add(f"{n}.wav", sound(n), "evaluation", f"sound {n}")
    world.prepare()
    assert world.check(trained=False) == {}
    with pytest.raises(UserError, match="training split cannot be used: of 0 clips"):
        world.check(trained=True)


def test_a_silent_split_ends_the_study_and_leaves_the_page(tmp_path):
    world = World(tmp_path)
    for n in range(4):
        world.add(f"train-{n}.wav", sound(n), "train", f"sound {n}")
        world.add(f"test-{n}.wav", 3e-4 * sound(9 + n), "evaluation", f"sound {n}")
    world.prepare()
    with pytest.raises(UserError) as refused:
        world.check()
    kept = world.work / "checking" / "check.html"
    assert "datasets.mine: The evaluation split cannot be used" in str(refused.value)
    assert "all 4 usable clips are silent" in str(refused.value) and str(kept) in str(refused.value)
    assert "Stops the study" in kept.read_text() and not (world.work / "check.html").exists()
    for n in range(4):
        world.add(f"more-{n}.wav", sound(20 + n), "evaluation", f"sound {n}")
    world.prepare()
    assert set(world.check()) == {"silent", "few"}
    assert not kept.exists() and (world.work / "check.html").exists()


def test_an_asked_for_validation_split_without_clips_is_told(sound_world, tmp_path):
    world = World(tmp_path)
    fill(world)
    world.prepare()
    assert world.check(validation=True)["empty-validation"].severity == "warning"


def test_recordings_on_both_sides_are_told(tmp_path):
    world = World(tmp_path)
    fill(world)
    for row in world.rows:
        row["group"] = row["file"]
    world.rows[0]["group"] = world.rows[7]["group"] = "tape 1"  # train-dog-0, evaluation-dog-1
    world.prepare()
    (finding,) = world.check().values()
    assert finding.kind == "recordings" and finding.severity == "warning"
    assert [clip["clip_id"] for clip in finding.clips] == ["evaluation-dog-1"]


def test_uneven_classes_and_one_caption_are_told(tmp_path):
    world = World(tmp_path)
    for n in range(10):
        world.add(f"dog-{n}.wav", sound(n), "train", "a sound heard")
        world.add(f"test-{n}.wav", sound(90 + n), "evaluation", "a sound heard")
    world.add("cat.wav", sound(77), "train", "a sound heard", "cat")
    world.prepare()
    found = world.check()
    assert set(found) == {"imbalance", "few", "unheard", "one-caption"}
    assert "10 training clips of dog, 1 of cat" in found["imbalance"].title


def test_originals_that_are_gone_are_told(tmp_path):
    world = World(tmp_path)
    fill(world)
    world.prepare()
    (world.root / "train-dog-3.wav").unlink()
    (finding,) = world.check().values()
    assert finding.kind == "originals-gone" and named(finding) == {"train-dog-3"}


@pytest.mark.parametrize(
    ("caption", "wrong"),
    [
        ("a dog barking", False),
        ("Sound of rain", False),
        ("chien", False),
        ("犬が吠える", False),
        ("", True),
        ("  ", True),
        ("12-34", True),
        ("Untitled.", True),
        ("NaN", True),
        ("no  caption", True),
        ("Track_03", True),
        ("track_03.WAV", True),
    ],
)
def test_captions_that_say_nothing(caption, wrong):
    clip = Clip("x", "folder/track_03.wav", caption=caption, label="dog")
    assert bool(fault(clip, "{caption}")) == wrong
    assert not fault(clip, "{label}")


def test_quiet_is_not_clipped_and_measures_are_right(troubled_world):
    world, findings = troubled_world
    (hot,) = findings["clipped"].clips
    assert 0.1 < float(hot["about"].split(" %")[0]) / 100 < 0.9
    assert sum(world.checks["durations"]["counts"]) == sum(
        own["usable"] for own in world.checks["clips"].values()
    )
    assert np.sum(world.checks["levels"]["counts"]) == sum(world.checks["durations"]["counts"])
    assert world.checks["sample_rates"] == {"8000": 1, "16000": 49}
