"""DPM-Solver++ against its paper and an exact solution; number formats; the bits of a clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusion_world import BANDS, CHANNELS, DIFFUSION, EMBEDDING, FRAMES, SAMPLING

from audioldm_bench import seeds
from audioldm_bench.diffusion import generation
from audioldm_bench.diffusion.data import unconditional_embedding
from audioldm_bench.diffusion.generation import generate, load_generator, resolve_precision
from audioldm_bench.diffusion.noise import make_dpm_solver, make_scheduler
from audioldm_bench.diffusion.samplers import make_sampler, sample_latents
from audioldm_bench.errors import UserError

SHAPE = (CHANNELS, FRAMES, BANDS)
ALPHA_BAR = make_scheduler(DIFFUSION).alphas_cumprod.double()
DRAW = torch.Generator().manual_seed(2)
MEAN = torch.randn(SHAPE, generator=DRAW).double()
STD = torch.logspace(-1.5, 0, SHAPE[-1]).double().expand(SHAPE)  # of the data, by band
DPM = {"sampler": "dpm_solver_pp", "steps": 25, "eta": 0.0}


class Gaussian(torch.nn.Linear):
    """Predicts the noise exactly, of data that are normal with MEAN and STD."""

    def forward(self, noisy, timestep, **_):
        level = ALPHA_BAR[int(timestep)]
        spread = level * STD**2 + 1 - level
        found = (1 - level).sqrt() * (noisy.double() - level.sqrt() * MEAN) / spread
        return (found.float(),)


def sampled(settings) -> torch.Tensor:
    condition = torch.zeros(1, EMBEDDING)
    return sample_latents(
        Gaussian(1, 1), make_sampler(settings, DIFFUSION), condition, condition[0],
        [seeds.clip_generator(0, "a", 0)], SHAPE,
        steps=settings["steps"], eta=0.0, guidance_scale=1.0,
    )[0].double()  # fmt: skip


def first_noise() -> torch.Tensor:
    return torch.randn(SHAPE, generator=seeds.clip_generator(0, "a", 0)).double()


# ------------------------------------------------------------------------------ DPM-Solver++
def test_dpm_solver_is_algorithm_2_of_its_paper():
    """Lu et al. 2022, DPM-Solver++(2M), in double precision."""
    scheduler = make_dpm_solver(DIFFUSION)
    scheduler.set_timesteps(25)
    times = [*scheduler.timesteps.tolist(), 0]
    alpha, sigma = ALPHA_BAR.sqrt(), (1 - ALPHA_BAR).sqrt()
    half_log_snr = alpha.log() - sigma.log()
    x, clean, steps = first_noise(), [], []
    for s, t in zip(times[:-1], times[1:], strict=True):
        clean.append((x - sigma[s] * Gaussian(1, 1)(x, s)[0].double()) / alpha[s])
        steps.append(half_log_snr[t] - half_log_snr[s])
        best = clean[-1]
        if len(clean) > 1:
            ratio = steps[-2] / steps[-1]
            best = (1 + 1 / (2 * ratio)) * clean[-1] - 1 / (2 * ratio) * clean[-2]
        x = sigma[t] / sigma[s] * x - alpha[t] * torch.expm1(-steps[-1]) * best
    assert (sampled(DPM) - x).abs().max() < 1e-4


def test_25_steps_of_dpm_solver_are_nearer_to_the_exact_solution_than_25_of_ddim():
    def spread(level):
        return (level * STD**2 + 1 - level).sqrt()

    first, last = ALPHA_BAR[-1], ALPHA_BAR[0]
    moved = first_noise() - first.sqrt() * MEAN
    exact = last.sqrt() * MEAN + spread(last) / spread(first) * moved

    def error(**settings) -> float:
        return (sampled(settings) - exact).square().mean().sqrt().item()

    dpm = error(**DPM)
    assert dpm < error(sampler="ddim", steps=25, eta=0.0) / 10
    assert dpm < error(sampler="ddim", steps=200, eta=0.0)
    assert error(**DPM | {"steps": 50}) < dpm / 2.5  # second order


@pytest.mark.parametrize("steps", [1, 2, 25, 200, 998, 999])
def test_steps_fall_from_the_noisiest_to_the_first_and_are_even_in_log_snr(steps):
    scheduler = make_dpm_solver(DIFFUSION)
    scheduler.set_timesteps(steps)
    times = scheduler.timesteps.numpy()
    assert len(times) == steps
    assert times[0] == 999
    assert times[-1] >= 1
    assert (np.diff(times) < 0).all()
    assert scheduler.sigmas[-1] == pytest.approx(((1 - ALPHA_BAR[0]) / ALPHA_BAR[0]) ** 0.5)
    if steps == 25:
        changes = np.diff(scheduler.lambda_t.numpy()[times[times > 50]])
        assert changes.max() < 1.1 * changes.min()


def test_what_a_sampler_cannot_take_is_refused():
    for change, key in (({"eta": 1.0}, "eta"), ({"steps": 1000}, "steps"), ({"steps": 0}, "steps")):
        with pytest.raises(UserError, match=rf"sampling\.{key}"):
            make_sampler(DPM | change, DIFFUSION)
    make_sampler(DPM | {"steps": 999}, DIFFUSION)


# -------------------------------------------------------------------------- a clip's own bits
@pytest.mark.parametrize("settings", [SAMPLING, DPM | {"guidance_scale": 2.5, "steps": 4}])
def test_a_waveform_has_the_same_bits_in_any_row(world, generator, conditions, settings):
    def waveforms(ids):
        return generate(
            generator,
            torch.stack([conditions[i] for i in ids]),
            unconditional_embedding(world.root / "text.h5"),
            [seeds.clip_generator(0, i, 0) for i in ids],
            duration=0.32,
            sampling_config=settings,
        )

    ids = world.ids[:11]  # decoded in parts of 6, the second one filled up
    found, turned = waveforms(ids), waveforms(ids[::-1])
    assert np.array_equal(found, turned[::-1])
    assert np.abs(waveforms(ids[:1])[0] - found[0]).max() < 1e-4 < np.abs(found[0]).max()


# ------------------------------------------------------------------------------- the precision
@pytest.mark.parametrize(("precision", "least"), [("bf16", 20), ("fp16", 35)])
def test_half_precision_is_the_same_sound(
    world, unet_folder, generator, conditions, precision, least
):
    rows = torch.stack([conditions[i] for i in world.ids[:2]])
    settings = {"steps": 5, "eta": 1.0, "guidance_scale": 2.5}

    def latents(unet):
        sources = [seeds.clip_generator(0, i, 0) for i in world.ids[:2]]
        scheduler = make_scheduler(DIFFUSION)
        return sample_latents(unet, scheduler, rows, -rows[0], sources, SHAPE, **settings)

    half = load_generator(
        unet_folder, world.root / "vae", world.root / "vocoder", DIFFUSION, precision
    )
    assert half.unet.dtype == generation.FORMATS[precision]
    assert half.vae.dtype == half.vocoder.dtype == torch.float32
    expected, found = latents(generator.unet), latents(half.unet)
    assert found.dtype == torch.float32
    error = (found - expected).square().mean()
    assert error > 0
    assert 10 * torch.log10(expected.square().mean() / error) > least  # dB


def test_auto_is_half_on_a_gpu_alone(monkeypatch):
    assert resolve_precision("auto") == "fp32"
    monkeypatch.setattr(generation, "device", lambda: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    assert resolve_precision("auto") == "fp16"
    with pytest.raises(UserError, match=r"sampling\.precision.*no bf16"):
        resolve_precision("bf16")
    with pytest.raises(UserError, match=r"sampling\.precision: 'half'"):
        resolve_precision("half")


def test_numbers_too_large_for_fp16_end_in_words(world, unet_folder):
    folders = unet_folder, world.root / "vae", world.root / "vocoder"
    for precision, cure in (("fp16", "to fp32 or bf16"), ("bf16", "to fp32"), ("fp32", "weights")):
        unet = load_generator(*folders, DIFFUSION, precision).unet
        unet.conv_in.weight.fill_(6e4 if precision == "fp16" else torch.inf)
        with pytest.raises(UserError, match=rf"not finite \(.*float.*{cure}"):
            sample_latents(
                unet, make_scheduler(DIFFUSION), torch.ones(1, EMBEDDING), torch.ones(EMBEDDING),
                [seeds.clip_generator(0, "a", 0)], SHAPE, steps=2, eta=0.0, guidance_scale=2.0,
            )  # fmt: skip
