"""Sampled latents: a clip's are its own in any batch, and equal diffusers' pipeline."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from diffusion_world import BANDS, CHANNELS, DIFFUSION, EMBEDDING, FRAMES, SAMPLING

from audioldm_bench import seeds
from audioldm_bench.diffusion.data import unconditional_embedding
from audioldm_bench.diffusion.generation import decode_latents, generate
from audioldm_bench.diffusion.noise import make_scheduler
from audioldm_bench.diffusion.samplers import SAMPLERS, sample_latents
from audioldm_bench.errors import UserError

SHAPE = (CHANNELS, FRAMES, BANDS)
DURATION = 0.32  # s: 5120 samples, 32 frames, 16 latent frames


def latents_of(world, generator, conditions, ids, **changes):
    settings = {"steps": 5, "eta": 1.0, "guidance_scale": 2.5} | changes
    return sample_latents(
        generator.unet,
        make_scheduler(DIFFUSION),
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


@pytest.mark.parametrize(("guidance_scale", "rows"), [(2.5, 6), (1.0, 3)])
def test_a_step_is_one_pass_of_the_unet(world, generator, conditions, guidance_scale, rows):
    """With guidance of the doubled batch."""
    seen = []
    hook = generator.unet.register_forward_pre_hook(lambda unet, given: seen.append(len(given[0])))
    try:
        latents_of(world, generator, conditions, world.ids[:3], guidance_scale=guidance_scale)
    finally:
        hook.remove()
    assert seen == [rows] * 5


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
@pytest.mark.parametrize(("sampler", "eta"), [("ddim", 0.0), ("ddim", 1.0), ("dpm_solver_pp", 0.0)])
@pytest.mark.parametrize("guidance_scale", [1.0, 2.5])
def test_equals_diffusers_pipeline(world, generator, conditions, sampler, eta, guidance_scale):
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
            scheduler=SAMPLERS[sampler](DIFFUSION),
            vocoder=generator.vocoder,
        )
    pipeline.set_progress_bar_config(disable=True)
    theirs = []
    expected = pipeline(
        prompt_embeds=rows,
        negative_prompt_embeds=unconditional.expand_as(rows),
        audio_length_in_s=DURATION,
        num_inference_steps=5,
        guidance_scale=guidance_scale,
        eta=eta,
        generator=[seeds.clip_generator(0, i, 0) for i in ids],
        callback=lambda step, timestep, latents: theirs.append(latents),
    ).audios
    settings = {"sampler": sampler, "steps": 5, "eta": eta, "guidance_scale": guidance_scale}
    found = generate(
        generator,
        rows,
        unconditional,
        [seeds.clip_generator(0, i, 0) for i in ids],
        duration=DURATION,
        sampling_config=SAMPLING | settings,
    )
    latents = sample_latents(
        generator.unet,
        SAMPLERS[settings.pop("sampler")](DIFFUSION),
        rows,
        unconditional,
        [seeds.clip_generator(0, i, 0) for i in ids],
        SHAPE,
        **settings,
    )
    assert (latents - theirs[-1]).abs().max() < 1e-4 < theirs[-1].abs().max()
    assert found.shape == expected.shape == (3, 5120)
    assert np.abs(found - expected).max() < 1e-4 < np.abs(expected).max()


def test_latents_hold_the_duration_and_the_unet_can_halve_them(generator):
    assert generator.latent_shape(5120) == SHAPE
    assert generator.latent_shape(5121) == (CHANNELS, FRAMES + 2, BANDS)
    assert generator.latent_shape(1) == (CHANNELS, 2, BANDS)


def test_decoding_in_parts_is_decoding(world, generator, conditions):
    latents = latents_of(world, generator, conditions, world.ids[:10], steps=2)
    whole = np.stack(list(decode_latents(generator, latents, 5000)))
    assert whole.shape == (10, 5000)
    alone = next(decode_latents(generator, latents[9:], 5000))
    assert np.abs(whole[9] - alone).max() < 1e-4
