"""Sampling: a clip's sound is its own, equals diffusers' pipeline, and survives interruption."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import soundfile
import torch
from diffusion_world import BANDS, CHANNELS, DIFFUSION, EMBEDDING, FRAMES, SAMPLING, UNET

from audioldm_bench import seeds
from audioldm_bench.diffusion import sampling as sampling_module
from audioldm_bench.diffusion.data import unconditional_embedding
from audioldm_bench.diffusion.generation import (
    decode_latents,
    generate,
    load_generator,
    sample_latents,
)
from audioldm_bench.diffusion.noise import make_scheduler
from audioldm_bench.diffusion.sampling import read_prompts, sample_system
from audioldm_bench.diffusion.unet import WEIGHTS, build_unet, save_unet
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, folder_sha256, read_json
from audioldm_bench.store import Store

SHAPE = (CHANNELS, FRAMES, BANDS)
DURATION = 0.32  # s: 5120 samples, 32 frames, 16 latent frames


@pytest.fixture(scope="module")
def unet_folder(tmp_path_factory):
    """A UNet of random weights, none of them zero, so that all noise and conditions tell."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("unet")
    save_unet(build_unet(UNET), folder)
    return folder


@pytest.fixture(scope="module")
def generator(world, unet_folder):
    return load_generator(unet_folder, world.root / "vae", world.root / "vocoder", DIFFUSION)


@pytest.fixture(scope="module")
def conditions(world):
    with Store(world.root / "clap.h5") as clap:
        return {clip_id: torch.from_numpy(clap.get("embedding", clip_id)) for clip_id in clap.ids}


def latents_of(world, generator, conditions, ids, **changes):
    settings = {"steps": 5, "eta": 1.0, "guidance_scale": 2.5} | changes
    return sample_latents(
        generator.unet,
        generator.scheduler,
        torch.stack([conditions[i] for i in ids]),
        unconditional_embedding(world.root / "text.h5"),
        [seeds.clip_generator(0, i, 0) for i in ids],
        SHAPE,
        **settings,
    )


# ----------------------------------------------------------------------------- the latents
def test_a_clip_is_the_same_in_any_batch(world, generator, conditions):
    ids = world.evaluation_ids[:6]
    together = latents_of(world, generator, conditions, ids)
    order = [4, 2, 0, 5, 1, 3]
    shuffled = latents_of(world, generator, conditions, [ids[i] for i in order])
    assert torch.equal(shuffled, together[order])
    others = world.train_ids[:5]
    strangers = latents_of(world, generator, conditions, [*others, ids[3]])
    assert torch.equal(strangers[5], together[3])
    for size in (1, 2, 4):
        parts = [
            latents_of(world, generator, conditions, ids[k : k + size]) for k in range(0, 6, size)
        ]
        assert (torch.cat(parts) - together).abs().max() < 1e-4
    distances = torch.cdist(together.flatten(1), together.flatten(1))
    assert distances[~torch.eye(6, dtype=bool)].min() > 1


def test_every_setting_tells(world, generator, conditions):
    ids = world.evaluation_ids[:2]
    base = latents_of(world, generator, conditions, ids)
    for change in ({"steps": 6}, {"eta": 0.0}, {"eta": 0.5}, {"guidance_scale": 1.0}):
        assert (latents_of(world, generator, conditions, ids, **change) - base).abs().max() > 1e-3


def test_guidance_of_one_is_no_guidance_and_of_zero_no_condition(world, generator, conditions):
    ids = world.evaluation_ids[:2]
    plain = latents_of(world, generator, conditions, ids, guidance_scale=1)
    near = latents_of(world, generator, conditions, ids, guidance_scale=1 + 1e-9)
    assert (plain - near).abs().max() < 1e-4
    none = latents_of(world, generator, conditions, ids, guidance_scale=0)
    swapped = {ids[0]: conditions[ids[1]], ids[1]: conditions[ids[0]]}
    assert torch.equal(none, latents_of(world, generator, swapped, ids, guidance_scale=0))
    assert not torch.equal(plain, latents_of(world, generator, swapped, ids, guidance_scale=1))


def test_steps_that_the_schedule_has_not_are_refused(world, generator, conditions):
    for steps in (0, 1000, 2000):
        with pytest.raises(UserError, match=r"sampling\.steps"):
            latents_of(world, generator, conditions, world.evaluation_ids[:1], steps=steps)


def test_a_perfect_denoiser_is_followed_to_its_clip():
    """Against a closed form: where all data are one point, eps is known, and DDIM must end there
    but for the noise of the last step."""
    target = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
    scheduler = make_scheduler(DIFFUSION)

    class Oracle(torch.nn.Linear):  # for its parameters' device
        def forward(self, noisy, timestep, *, class_labels, **_):
            level = scheduler.alphas_cumprod[timestep]
            return ((noisy - level.sqrt() * target) / (1 - level).sqrt(),)

    sources = [seeds.clip_generator(0, "a", 0)]
    condition = torch.zeros(1, EMBEDDING)
    oracle = Oracle(1, 1)
    found = sample_latents(
        oracle, scheduler, condition, condition[0], sources, SHAPE,
        steps=50, eta=1.0, guidance_scale=3.0,
    )  # fmt: skip
    last = scheduler.alphas_cumprod[0]
    error = found[0] - last.sqrt() * target
    assert error.std().item() == pytest.approx((1 - last).sqrt().item(), rel=0.1)


# ------------------------------------------------------------------- diffusers as the oracle
@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("guidance_scale", [1.0, 2.5])
def test_equals_diffusers_pipeline(world, generator, conditions, eta, guidance_scale):
    from diffusers.pipelines.deprecated.audioldm.pipeline_audioldm import AudioLDMPipeline
    from transformers import ClapTextConfig, ClapTextModelWithProjection

    text = ClapTextConfig(
        vocab_size=10, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, projection_dim=EMBEDDING,
    )  # fmt: skip
    ids = world.evaluation_ids[:3]
    unconditional = unconditional_embedding(world.root / "text.h5")
    rows = torch.stack([conditions[i] for i in ids])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = AudioLDMPipeline(
            vae=generator.vae,
            text_encoder=ClapTextModelWithProjection(text),
            tokenizer=None,
            unet=generator.unet,
            scheduler=make_scheduler(DIFFUSION),
            vocoder=generator.vocoder,
        )
    pipeline.set_progress_bar_config(disable=True)
    expected = pipeline(
        prompt_embeds=rows,
        negative_prompt_embeds=unconditional.expand_as(rows),
        audio_length_in_s=DURATION,
        num_inference_steps=5,
        guidance_scale=guidance_scale,
        eta=eta,
        generator=[seeds.clip_generator(0, i, 0) for i in ids],
    ).audios
    found = generate(
        generator,
        rows,
        unconditional,
        [seeds.clip_generator(0, i, 0) for i in ids],
        duration=DURATION,
        sampling_config=SAMPLING | {"steps": 5, "eta": eta, "guidance_scale": guidance_scale},
    )
    assert found.shape == expected.shape == (3, 5120)
    assert np.abs(found - expected).max() < 1e-4 < np.abs(expected).max()


def test_latents_hold_the_duration_and_the_unet_can_halve_them(generator):
    assert generator.latent_shape(5120) == SHAPE
    assert generator.latent_shape(5121) == (CHANNELS, FRAMES + 2, BANDS)
    assert generator.latent_shape(1) == (CHANNELS, 2, BANDS)


def test_decoding_in_parts_is_decoding(world, generator, conditions):
    latents = latents_of(world, generator, conditions, world.ids[:10], steps=2)
    whole = decode_latents(generator, latents, 5000)
    assert whole.shape == (10, 5000)
    assert np.abs(whole[9] - decode_latents(generator, latents[9:], 5000)[0]).max() < 1e-4


# ------------------------------------------------------------------------------- the system
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
