"""A sampled system: a sound a clip, the best candidate, and no loss by interruption."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from diffusion_world import DIFFUSION, EMBEDDING, SAMPLING

from audioldm_bench import seeds
from audioldm_bench.datasets.manifest import Clip, write_manifest
from audioldm_bench.diffusion import sampling as sampling_module
from audioldm_bench.diffusion.generation import generate
from audioldm_bench.diffusion.sampling import read_prompts, sample_system
from audioldm_bench.diffusion.unet import WEIGHTS
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, folder_sha256, read_json
from audioldm_bench.store import Store


def sample(world, unet_folder, folder, **changes):
    arguments = {
        "system": "baseline-text",
        "dataset": "esc50",
        "condition": "text",
        "unet_folder": unet_folder,
        "vae_folder": world.root / "vae",
        "vocoder_folder": world.root / "vocoder",
        "clap_folder": world.root / "clap.h5",  # not loaded with one candidate
        "manifest_path": world.root / "manifest.csv",
        "audio_shards": [world.root / "audio.h5"],
        "clap_shards": [world.root / "clap.h5"],
        "text_path": world.root / "text.h5",
        "generated_duration": 0.3,
        "sampling_config": SAMPLING,
        "diffusion_config": DIFFUSION,
        "seed": 0,
        "state": folder / "state",
        "progress_every": 1e9,
        "threads": 1,
    } | changes
    sample_system(folder / "clips", folder / "clips.json", **arguments)


@pytest.fixture(scope="module")
def made(world, unet_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    sample(world, unet_folder, folder)
    return folder


def test_a_system_has_a_sound_for_each_evaluation_clip(world, unet_folder, made):
    assert sorted(p.name for p in (made / "clips").iterdir()) == [
        f"{clip_id}.wav" for clip_id in world.evaluation_ids
    ]
    for path in (made / "clips").iterdir():
        info = soundfile.info(path)
        assert (info.frames, info.samplerate, info.channels) == (4800, 16000, 1)
        assert info.subtype == "PCM_16"
        assert soundfile.read(path)[0].std() > 0.01
    about = read_json(made / "clips.json")
    assert about["checkpoint_sha256"] == file_sha256(unet_folder / WEIGHTS)
    for key, value in {
        "system": "baseline-text", "dataset": "esc50", "condition": "text", "steps": 4,
        "guidance_scale": 2.5, "candidates": 1, "seed": 0, "n": 8, "eta": 1.0,
        "sampler": "ddim", "precision": "fp32", "devices": ["cpu"],
    }.items():  # fmt: skip
        assert about[key] == value
    assert about["prompts"]["clip-02"] == "a sound of class 0"
    assert about["choices"]["clip-02"] == {"scores": [], "chosen": 0}
    assert about["versions"]["torch"] == torch.__version__


def test_text_and_audio_conditions_are_the_stores_own(world, unet_folder, made, tmp_path):
    paths = [world.root / name for name in ("manifest.csv", "text.h5")]
    for condition, name in (("text", "text.h5"), ("audio", "clap.h5")):
        prompts = read_prompts(
            paths[0], [world.root / "audio.h5"], paths[1], [world.root / "clap.h5"],
            condition=condition,
        )  # fmt: skip
        assert prompts.clip_ids == world.evaluation_ids
        with Store(world.root / name) as store:
            for clip_id in prompts.clip_ids:
                expected = store.get("embedding", clip_id)
                assert np.array_equal(prompts.conditions[clip_id], expected)
    sample(world, unet_folder, tmp_path, condition="audio")
    assert folder_sha256(tmp_path / "clips") != folder_sha256(made / "clips")


def test_an_interrupted_sampling_goes_on(world, unet_folder, made, tmp_path, monkeypatch):
    write, written = sampling_module.audio.write, []

    def dies(path, *rest):
        if len(written) == 4:  # in the second of three batches
            raise KeyboardInterrupt
        write(path, *rest)
        written.append(path)

    monkeypatch.setattr(sampling_module.audio, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        sample(world, unet_folder, tmp_path)
    assert not (tmp_path / "clips").exists()
    (tmp_path / "state" / "clips" / ".clip-05.wav.123.part.wav").write_bytes(b"torn")
    again = []
    monkeypatch.setattr(
        sampling_module.audio, "write", lambda path, *rest: (again.append(path), write(path, *rest))
    )
    sample(world, unet_folder, tmp_path)
    assert len(again) == 5  # the first batch is kept
    assert folder_sha256(tmp_path / "clips") == folder_sha256(made / "clips")
    assert (tmp_path / "clips.json").read_bytes() == (made / "clips.json").read_bytes()
    assert not [p for p in (tmp_path / "clips").iterdir() if p.name.startswith(".")]


def test_one_lost_clip_of_a_whole_batch_comes_back(world, unet_folder, made, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        lost = world.evaluation_ids[4]

        def dies(work, final):
            (work / f"{lost}.wav").unlink()
            raise KeyboardInterrupt

        patch.setattr(sampling_module, "_put_in_place", dies)
        with pytest.raises(KeyboardInterrupt):
            sample(world, unet_folder, tmp_path)
    write, again = sampling_module.audio.write, []
    monkeypatch.setattr(
        sampling_module.audio, "write", lambda path, *rest: (again.append(path), write(path, *rest))
    )
    sample(world, unet_folder, tmp_path)
    assert len(again) == 3  # its batch, and no other
    assert folder_sha256(tmp_path / "clips") == folder_sha256(made / "clips")
    assert (tmp_path / "clips.json").read_bytes() == (made / "clips.json").read_bytes()


def test_clips_have_the_same_bytes_in_any_order_and_company(world, unet_folder, made, tmp_path):
    """At one batch size; at others they differ by rounding."""
    ids = world.evaluation_ids
    for name, chosen, size in (
        ("turned", ids[::-1], 3),
        ("fewer", ids[3:7], 3),
        ("larger", ids, 5),
        ("single", ids[:2], 1),
    ):
        folder = tmp_path / name
        folder.mkdir()
        clips = [Clip(i, f"{i}.wav", split="evaluation") for i in chosen]
        write_manifest(folder / "manifest.csv", clips)
        changes = {"sampling_config": SAMPLING | {"batch_size": size}}
        sample(world, unet_folder, folder, manifest_path=folder / "manifest.csv", **changes)
        for clip_id in chosen:
            paths = folder / f"clips/{clip_id}.wav", made / f"clips/{clip_id}.wav"
            if size == SAMPLING["batch_size"]:
                assert paths[0].read_bytes() == paths[1].read_bytes()
            one, other = (soundfile.read(path)[0] for path in paths)
            assert np.abs(one - other).max() < 1e-4


def test_auto_precision_is_written_down_as_what_it_was(world, unet_folder, made, tmp_path):
    sample(world, unet_folder, tmp_path, sampling_config=SAMPLING | {"precision": "auto"})
    assert (tmp_path / "clips.json").read_bytes() == (made / "clips.json").read_bytes()


def test_a_state_of_another_precision_is_not_taken_up(world, unet_folder, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:

        def dies(work, final):
            raise KeyboardInterrupt

        patch.setattr(sampling_module, "_put_in_place", dies)
        with pytest.raises(KeyboardInterrupt):
            sample(world, unet_folder, tmp_path)
    write, again = sampling_module.audio.write, []
    monkeypatch.setattr(
        sampling_module.audio, "write", lambda path, *rest: (again.append(path), write(path, *rest))
    )
    sample(world, unet_folder, tmp_path, sampling_config=SAMPLING | {"precision": "bf16"})
    assert len(again) == 8
    assert read_json(tmp_path / "clips.json")["precision"] == "bf16"


class PitchClap:
    """Stands for CLAP: its embedding says how loud the sound is."""

    def embed_audio(self, waveforms, rate):
        assert rate == 16000
        rows = np.zeros((len(waveforms), EMBEDDING), np.float32)
        rows[:, 0] = [np.std(waveform) for waveform in waveforms]
        return rows


def test_the_candidate_that_clap_likes_best_is_kept(
    world, unet_folder, made, tmp_path, monkeypatch, generator
):
    monkeypatch.setattr(sampling_module, "load_clap", lambda folder: PitchClap())
    sample(world, unet_folder, tmp_path, sampling_config=SAMPLING | {"candidates": 3})
    choices = read_json(tmp_path / "clips.json")["choices"]
    assert {choice["chosen"] for choice in choices.values()} != {0}
    with Store(world.root / "text.h5") as text:
        unconditional = torch.tensor(text.attrs["unconditional"])
        for clip_id, choice in choices.items():
            embedding = text.get("embedding", clip_id)
            waveforms = generate(
                generator,
                torch.from_numpy(embedding).expand(3, -1),
                unconditional,
                [seeds.clip_generator(0, clip_id, k) for k in range(3)],
                duration=0.3,
                sampling_config=SAMPLING,
            )
            scores = [waveform.std() * embedding[0] for waveform in waveforms]
            assert choice["scores"] == pytest.approx(scores, abs=1e-4)
            assert choice["chosen"] == int(np.argmax(choice["scores"]))
            kept, _ = soundfile.read(tmp_path / "clips" / f"{clip_id}.wav")
            assert np.abs(kept - waveforms[choice["chosen"]]).max() < 1e-4
            # Candidate 0 is the clip of a run with one candidate.
            if choice["chosen"] == 0:
                alone, _ = soundfile.read(made / "clips" / f"{clip_id}.wav")
                assert np.abs(kept - alone).max() < 1e-4


def test_mistakes_are_refused_in_words(world, unet_folder, tmp_path):
    for change, word in (
        ({"condition": "picture"}, "picture"),
        ({"sampling_config": SAMPLING | {"sampler": "euler"}}, r"sampling\.sampler"),
        ({"audio_shards": [world.root / "nobody.h5"]}, "no clip of split"),
        ({"clap_shards": [world.root / "latents-0.h5"], "condition": "audio"}, "no embedding"),
    ):
        if "audio_shards" in change:
            from audioldm_bench.store import Part, build_store

            build_store(
                world.root / "nobody.h5", [], lambda ids: Part(ids, {}),
                state=tmp_path / "s", fingerprint="x",
            )  # fmt: skip
        with pytest.raises(UserError, match=word):
            sample(world, unet_folder, tmp_path, **change)
