"""The real clips as a system like any other."""

import numpy as np
import pytest

from audioldm_bench import audio
from audioldm_bench.datasets.manifest import Clip, write_manifest
from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json
from audioldm_bench.store import Part, build_store
from audioldm_bench.systems.real import export_reference


def clip(name, split):
    return Clip(clip_id=name, file=f"{name}.wav", caption=f"a {name}", label=name, split=split)


@pytest.fixture
def world(tmp_path):
    """Two evaluation clips, of which one was set aside, and a training clip."""
    clips = [clip("dog", "evaluation"), clip("cat", "evaluation"), clip("hen", "train")]
    write_manifest(tmp_path / "manifest.csv", clips)
    sounds = {"dog": np.linspace(-0.5, 0.5, 800, dtype="f4"), "hen": np.ones(400, "f4")}
    build_store(
        tmp_path / "audio.h5",
        ["dog", "cat", "hen"],
        lambda ids: Part(list(sounds), {"waveform": list(sounds.values())}, {"cat": "silent"}),
        state=tmp_path / "state",
        fingerprint="a",
        attrs={"sample_rate": 16000},
    )
    return tmp_path


def export(world, **changes):
    arguments = {"dataset": "pets", "state": world / "s", "progress_every": 1e9} | changes
    files = [world / "manifest.csv", [world / "audio.h5"], world / "real" / "clips"]
    export_reference(*files, world / "real" / "clips.json", **arguments)


def test_the_evaluation_clips_that_are_there_are_written(world):
    export(world)
    assert [path.name for path in (world / "real" / "clips").iterdir()] == ["dog.wav"]
    samples, rate = audio.read(world / "real" / "clips" / "dog.wav")
    assert rate == 16000
    np.testing.assert_allclose(samples, np.linspace(-0.5, 0.5, 800), atol=1e-4)
    about = read_json(world / "real" / "clips.json")
    assert about["clips"] == ["dog"] and about["n"] == 1 and about["n_expected"] == 2
    assert about["captions"] == {"dog": "a dog"}


def test_a_dataset_without_any_is_refused(world):
    write_manifest(world / "manifest.csv", [clip("cat", "evaluation"), clip("hen", "train")])
    with pytest.raises(UserError, match="none of its 1 evaluation clips"):
        export(world)
