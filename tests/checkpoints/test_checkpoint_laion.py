"""A folder's weights back under laion-clap's names, without laion-clap."""

from __future__ import annotations

import pytest
import torch

from audioldm_bench.checkpoints.clap import convert_clap
from audioldm_bench.checkpoints.weights import Weights, fill
from audioldm_bench.clap_laion import OWN, laion_weights
from audioldm_bench.errors import UserError

PREFIX = "cond_stage_model.model."


@pytest.fixture
def own(original, system):
    """The state of laion-clap's model of that size: its names, and values of its own."""
    extra = {
        key.removeprefix(PREFIX): value
        for key, value in original.unused().items()
        if key.startswith(PREFIX) and not key.endswith("position_ids")
    }
    zeros = {key: torch.zeros_like(value) for key, value in original.clap(system.clap).items()}
    return zeros | extra


def test_every_weight_goes_there_and_back(original, system, own):
    state = system.clap.state_dict()
    there = {key: source.tensor for key, source in laion_weights(own, state).items()}
    assert set(there) == set(own)
    layout = original.clap(system.clap)
    for key, value in layout.items():
        assert torch.equal(there[key], value), key
    kept = set(own) - set(layout)
    assert len(kept) >= len(OWN) and all(there[key] is own[key] for key in kept)
    back = convert_clap(Weights({key: there[key] for key in layout}, PREFIX)).state_dict()
    assert set(back) == set(state)
    assert [key for key in state if not torch.equal(back[key], state[key])] == []


class Module(torch.nn.Module):
    """A model with any state."""

    def __init__(self, state):
        super().__init__()
        self.state = state

    def state_dict(self):
        return self.state


def test_what_does_not_fit_is_named(system, own):
    state = dict(system.clap.state_dict())
    with pytest.raises(UserError, match=r"1 weights that laion-clap has no place for: extra\.weig"):
        laion_weights(own, state | {"extra.weight": torch.zeros(1)})
    part = "audio_model.audio_encoder.layers.0.blocks.0.attention.self.key.bias"
    without = {name: value for name, value in state.items() if name != part}
    with pytest.raises(UserError, match=r"have no key: audio_branch.*\.attn\.qkv\.bias"):
        fill(Module(own), laion_weights(own, without), "CLAP")
    with pytest.raises(UserError, match=r"have no key: audio_branch\.fusion\.weight"):
        more = own | {"audio_branch.fusion.weight": torch.zeros(1)}
        fill(Module(more), laion_weights(more, state), "CLAP")
    wide = state | {"text_projection.linear2.bias": torch.zeros(17)}
    with pytest.raises(UserError, match=r"wrong shape: text_projection\.linear2\.bias \(17,\)"):
        fill(Module(own), laion_weights(own, wide), "CLAP")
