"""What is other in AudioLDM-M and -L than in S, at full size, against the authors' code."""

from __future__ import annotations

import parity_inputs as inputs
import pytest
import torch
from parity_check import TOLERANCE, Golden, constants, drawn, layout
from parity_draws import average_key, weight

from audioldm_bench.checkpoints.audioldm import unused_because
from audioldm_bench.checkpoints.clap import convert_clap
from audioldm_bench.checkpoints.unet import convert_unet
from audioldm_bench.checkpoints.weights import Weights
from audioldm_bench.clap import Clap
from audioldm_bench.clap_front_end import ClapLogMel, extractor_config
from audioldm_bench.diffusion.unet import predict_noise

pytestmark = pytest.mark.slow
CLAP = "cond_stage_model.model."


@torch.no_grad()
@pytest.mark.parametrize("size", ["M", "L"])
def test_unet(size):
    shapes = layout(size)["unet"]
    weights = {name: weight(average_key(name), tuple(shapes[name])) for name in shapes}
    found = predict_noise(convert_unet(Weights(weights, "")), *inputs.unet())
    assert Golden(size).error("unet", found) <= TOLERANCE


@torch.no_grad()
def test_clap_with_the_larger_audio_tower(config, golden):
    shapes = layout("M")["clap"]
    weights = drawn(shapes["drawn"]) | constants(shapes["constant"], golden)
    used = {key: value for key, value in weights.items() if unused_because(key) is None}
    weights = Weights({key.removeprefix(CLAP): value for key, value in used.items()}, CLAP)
    clap = Clap(
        convert_clap(weights),
        tokenizer=None,
        front_end=ClapLogMel(extractor_config(config["models"]["clap"])),
    )
    golden = Golden("M")
    for name, sound in inputs.clap_sounds().items():
        assert golden.error(f"clap_audio_{name}", clap.embed_audio([sound])) <= TOLERANCE
    names = ("input_ids", "attention_mask")
    tokens = {name: torch.from_numpy(golden.arrays[name]).long() for name in names}
    assert golden.error("clap_text", clap.text_vectors(tokens)) <= TOLERANCE
