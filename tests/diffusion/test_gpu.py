"""Training and sampling on an NVIDIA GPU against the same on the CPU, with the tiny world."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusion_world import DIFFUSION, SAMPLING, TRAINING
from training_runs import figures, run, same

from audioldm_bench import pretrained, seeds
from audioldm_bench.diffusion import segments
from audioldm_bench.diffusion.data import unconditional_embedding
from audioldm_bench.diffusion.generation import generate, load_generator
from audioldm_bench.preflight.gpu import Cuda

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that CUDA can use")
CPU = torch.device("cpu")
LORA = {"rank": 3, "alpha": 6, "targets": ["to_q", "to_out.0", "time_emb_proj"]}


# ---------------------------------------------------------------------------------- training
@pytest.mark.parametrize(
    ("changes", "tolerance"),
    [
        ({}, 1e-4),
        ({"accumulate": 2}, 1e-4),
        ({"gradient_checkpointing": True}, 1e-4),
        ({"precision": "tf32"}, 5e-3),
        ({"precision": "bf16"}, 3e-2),
        ({"precision": "fp16"}, 1e-2),
    ],
)
def test_losses_are_those_of_the_cpu(world, tmp_path, monkeypatch, changes, tolerance):
    run(world, tmp_path / "gpu", [0, 12], training=TRAINING | changes)
    assert torch.load(tmp_path / "gpu/state-12/state.pt", weights_only=True)["unet"][
        "conv_in.weight"
    ].is_cuda
    monkeypatch.setattr(segments, "device", lambda: CPU)
    run(world, tmp_path / "cpu", [0, 12], training=TRAINING | changes | {"precision": "fp32"})
    for name in ("loss", "gradient_norm"):
        one, other = (figures(tmp_path / f"{place}/step-12", name) for place in ("gpu", "cpu"))
        assert one == pytest.approx(other, rel=tolerance), name
        assert one != other


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_run_in_segments_ends_in_the_same_bits(world, tmp_path, precision):
    training = TRAINING | {"precision": precision}
    run(world, tmp_path / "one", [0, 6], training=training)
    run(world, tmp_path / "cut", [0, 2, 6], training=training)
    assert same(tmp_path / "one", tmp_path / "cut", 6)


# ---------------------------------------------------------------------------------- sampling
def waveforms(world, unet_folder, conditions, ids, precision="fp32", **changes):
    folders = (unet_folder, world.root / "vae", world.root / "vocoder")
    return generate(
        load_generator(*folders, DIFFUSION, precision),
        torch.stack([conditions[i] for i in ids]),
        unconditional_embedding(world.root / "text.h5"),
        [seeds.clip_generator(0, i, 0) for i in ids],
        duration=0.32,
        sampling_config=SAMPLING | {"steps": 10} | changes,
    )


@pytest.mark.parametrize("sampler", ["ddim", "dpm_solver_pp"])
def test_sounds_are_those_of_the_cpu(world, unet_folder, conditions, monkeypatch, sampler):
    ids = world.evaluation_ids[:4]
    changes = {"sampler": sampler, "eta": float(sampler == "ddim")}
    made = waveforms(world, unet_folder, conditions, ids, **changes)
    halves = waveforms(world, unet_folder, conditions, ids[:2], **changes)
    half = waveforms(world, unet_folder, conditions, ids, "fp16", **changes)
    assert (made == waveforms(world, unet_folder, conditions, ids, **changes)).all()
    monkeypatch.setattr(pretrained, "device", lambda: CPU)
    expected = waveforms(world, unet_folder, conditions, ids, **changes)
    assert np.abs(made - expected).max() < 1e-4 < np.abs(expected).max()
    assert np.abs(halves - made[:2]).max() < 1e-4
    noise = 10 * np.log10(np.sum(expected**2) / np.sum((half - expected) ** 2))
    assert noise > 35  # dB


# --------------------------------------------------------------------------------- preflight
def test_fp32_is_fp32():
    """The check of the study's preflight, after TF32 was in use."""
    pretrained.device()
    assert Cuda().error() < 1e-5
