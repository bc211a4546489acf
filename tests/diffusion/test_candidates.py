"""The losing candidates of a few clips are kept, for the report, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from diffusion_world import EMBEDDING, SAMPLING
from test_diffusion_system import sample

from audioldm_bench.diffusion import sampling as sampling_module
from audioldm_bench.files import folder_sha256, read_json
from audioldm_bench.shown import clips_to_hear

THREE = {"sampling_config": SAMPLING | {"candidates": 3}}


class LoudClap:
    """Stands for CLAP: its embedding says how loud the sound is."""

    def embed_audio(self, waveforms, rate):
        rows = np.zeros((len(waveforms), EMBEDDING), np.float32)
        rows[:, 0] = [np.std(waveform) for waveform in waveforms]
        return rows


@pytest.fixture(autouse=True)
def clap(monkeypatch):
    monkeypatch.setattr(sampling_module, "load_clap", lambda folder: LoudClap())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_clips_to_hear_are_of_new_prompts_first_and_of_any_order():
    prompts = {"a": "dog", "b": "dog", "c": "dog", "d": "dog", "e": "rain"}
    assert {prompts[clip] for clip in clips_to_hear(prompts, 2)} == {"dog", "rain"}
    turned = dict(reversed(prompts.items()))
    assert sorted(clips_to_hear(prompts, 9)) == list("abcde")
    assert set(clips_to_hear(turned, 2)) <= set(clips_to_hear(turned, 3))
    assert clips_to_hear({}, 3) == [] == clips_to_hear(prompts, 0)


def test_losing_candidates_are_kept_and_a_killed_run_ends_in_the_same_bytes(
    world, unet_folder, tmp_path, monkeypatch
):
    one, two = tmp_path / "one", tmp_path / "two"
    sample(world, unet_folder, one, **THREE, out_candidates=one / "candidates", heard_clips=2)
    about = read_json(one / "clips.json")
    heard = clips_to_hear(about["prompts"], 2)
    choices = {clip: about["choices"][clip]["chosen"] for clip in heard}
    assert names(one / "candidates") == sorted(
        f"{clip}-{k}.wav" for clip in heard for k in range(3) if k != choices[clip]
    )
    for clip in heard:
        louder = soundfile.read(one / f"clips/{clip}.wav")[0].std()
        for path in (one / "candidates").glob(f"{clip}-*.wav"):
            assert 0.01 < soundfile.read(path)[0].std() <= louder + 1e-4

    # begun by a version that kept none, and killed when all was made
    with monkeypatch.context() as patch:

        def dies(work, final):
            raise KeyboardInterrupt

        patch.setattr(sampling_module, "_put_in_place", dies)
        with pytest.raises(KeyboardInterrupt):
            sample(world, unet_folder, two, **THREE)
    write, again = sampling_module.audio.write, []
    monkeypatch.setattr(
        sampling_module.audio, "write", lambda path, *rest: (again.append(path), write(path, *rest))
    )
    sample(world, unet_folder, two, **THREE, out_candidates=two / "candidates", heard_clips=2)
    batches = {world.evaluation_ids.index(clip) // SAMPLING["batch_size"] for clip in heard}
    assert len(again) <= 3 * len(batches) + 4, "only the batches of these clips"
    for name in ("clips", "candidates"):
        assert folder_sha256(one / name) == folder_sha256(two / name)
    assert (one / "clips.json").read_bytes() == (two / "clips.json").read_bytes()


def test_one_candidate_leaves_an_empty_folder(world, unet_folder, tmp_path):
    sample(world, unet_folder, tmp_path, out_candidates=tmp_path / "candidates", heard_clips=2)
    assert names(tmp_path / "candidates") == []
    assert len(names(tmp_path / "clips")) == len(world.evaluation_ids)
