"""Noise, EMA, UNet folder and batches."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusion_world import DIFFUSION, UNET

from audioldm_bench.diffusion.data import TrainingSet, scaling_factor, unconditional_embedding
from audioldm_bench.diffusion.ema import EMA
from audioldm_bench.diffusion.noise import add_noise, make_scheduler
from audioldm_bench.diffusion.unet import (
    build_unet,
    initial_unet,
    load_unet,
    predict_noise,
    read_settings,
    save_unet,
)
from audioldm_bench.errors import UserError
from audioldm_bench.files import folder_sha256
from audioldm_bench.store import Store


# ------------------------------------------------------------------------------------ noise
def test_schedule_is_the_authors():
    scheduler = make_scheduler(DIFFUSION)
    betas = np.linspace(0.0015**0.5, 0.0195**0.5, 1000) ** 2
    assert np.allclose(scheduler.alphas_cumprod, np.cumprod(1 - betas), rtol=1e-4)
    scheduler.set_timesteps(200)
    assert scheduler.timesteps.tolist() == list(range(996, 0, -5))
    assert scheduler.final_alpha_cumprod == scheduler.alphas_cumprod[0]


def test_noise_has_the_variance_of_equation_2():
    alpha_bar = make_scheduler(DIFFUSION).alphas_cumprod
    torch.manual_seed(0)
    latents, timesteps = torch.full((3, 8, 64, 64), 2.0), torch.tensor([0, 400, 999])
    noisy = add_noise(latents, torch.randn(latents.shape), timesteps, alpha_bar)
    for row, level in zip(noisy, alpha_bar[timesteps], strict=True):
        assert row.mean().item() == pytest.approx(2 * level.sqrt().item(), abs=0.02)
        assert row.var().item() == pytest.approx(1 - level.item(), rel=0.03)


# -------------------------------------------------------------------------------------- EMA
def test_ema_follows_the_ramp():
    model = torch.nn.Linear(3, 2)
    ema, expected = EMA(model, 0.3), model.weight.detach().clone()
    for n, decay in ((1, 2 / 11), (2, 3 / 12), (3, 0.3), (4, 0.3)):
        with torch.no_grad():
            model.weight += 1.0
        ema.update()
        assert ema.decay_of(n) == pytest.approx(decay)
        expected = decay * expected + (1 - decay) * model.weight.detach()
        assert torch.allclose(ema.weights["weight"], expected, atol=1e-6)


def test_ema_continues_from_its_state():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    one, steps = EMA(model, 0.99), [torch.randn(2, 3) for _ in range(4)]
    other = EMA(model, 0.99)
    for number, change in enumerate(steps):
        if number == 2:
            fresh = EMA(torch.nn.Linear(3, 2), 0.99)
            fresh.load_state_dict(other.state_dict())
            fresh._parameters, other = other._parameters, fresh
        with torch.no_grad():
            model.weight += change
        one.update()
        other.update()
    assert torch.equal(one.weights["weight"], other.weights["weight"])


# ------------------------------------------------------------------------------------- UNet
def test_same_seed_same_unet_and_global_generator_untouched():
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    one, same, other = initial_unet(UNET, 1), initial_unet(UNET, 1), initial_unet(UNET, 2)
    assert torch.equal(before, torch.random.get_rng_state())
    pairs = list(zip(one.parameters(), same.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not all(torch.equal(a, c) for a, _, c in pairs)


def test_an_initial_unet_predicts_nothing_and_all_weights_can_learn():
    unet = initial_unet(UNET, 0)
    noisy, condition = torch.randn(2, 4, 16, 8), torch.randn(2, 12)
    assert not predict_noise(unet, noisy, torch.tensor([3, 700]), condition).any()
    optimizer = torch.optim.SGD(unet.parameters(), lr=0.1)
    for _ in range(4):  # the zero layers let gradients through one after the other
        optimizer.zero_grad()
        found = predict_noise(unet, noisy, torch.tensor([3, 700]), condition)
        (found - noisy).square().mean().backward()
        optimizer.step()
    still = [name for name, p in unet.named_parameters() if not p.grad.any()]
    assert not [name for name in still if "to_k.bias" not in name]


def test_without_hidden_states_the_second_attention_attends_to_the_latents():
    torch.manual_seed(0)
    unet = build_unet(UNET).eval()
    blocks = [m for m in unet.modules() if isinstance(m, BasicTransformerBlock)]
    assert blocks
    for block in blocks:
        x = torch.randn(2, 10, block.attn2.query_dim)
        first = block.attn1(block.norm1(x)) + x
        inner = block.norm2(first)
        second = block.attn2(inner, encoder_hidden_states=inner) + first
        expected = block.ff(block.norm3(second)) + second
        assert torch.equal(block(x, encoder_hidden_states=None), expected)


def test_unet_folder_round_trip_has_the_same_bytes(tmp_path):
    torch.manual_seed(0)
    unet = build_unet(UNET)
    save_unet(unet, tmp_path / "one")
    loaded = load_unet(tmp_path / "one")
    assert not any(p.requires_grad for p in loaded.parameters())
    assert all(torch.equal(v, unet.state_dict()[k]) for k, v in loaded.state_dict().items())
    save_unet(loaded, tmp_path / "deeper" / "two")
    assert folder_sha256(tmp_path / "one") == folder_sha256(tmp_path / "deeper" / "two")
    again = build_unet(read_settings(tmp_path / "one"))
    assert again.config.attention_head_dim == UNET["attention_head_dim"]
    assert again.config.class_embeddings_concat is True


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"cross_attention_dim": 20}, "cross_attention_dim"),
        ({"no_such": 1}, "no_such"),
        ({"class_embed_type": None}, "class_embed_type"),
    ],
)
def test_wrong_unet_settings_are_refused_in_words(change, word):
    with pytest.raises(UserError, match=word):
        build_unet(UNET | change)


def test_a_folder_without_config_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"config\.json"):
        load_unet(tmp_path)
    with pytest.raises(UserError, match=r"config\.json"):
        read_settings(tmp_path)


# ------------------------------------------------------------------------------------- data
@pytest.fixture
def training_set(world):
    caches = world.caches
    with TrainingSet(caches["latent_shards"], caches["condition_paths"], world.train_ids) as data:
        yield data


def test_each_epoch_has_each_clip_once_in_another_order(training_set, world):
    places = [i for step in range(8) for i in training_set.indices(step, 5, 4)]
    epochs = [places[:16], places[16:]]
    for epoch in epochs:
        assert sorted(epoch) == list(range(16))
    assert epochs[0] != epochs[1]
    assert [training_set.ids[i] for i in sorted(epochs[0])] == world.train_ids
    assert training_set.indices(3, 5, 4) == places[12:16]  # whatever was read before
    assert training_set.indices(0, 6, 4) != places[:4]


def test_batches_may_cross_epochs_and_hold_several(training_set):
    places = [i for step in range(3) for i in training_set.indices(step, 1, 40)]
    assert Counter(places[:112]) == Counter({i: 7 for i in range(16)})


def test_rows_come_in_the_order_asked_for(training_set, world):
    batch = training_set.rows([9, 2, 9, 0])
    assert batch.clip_ids == [world.train_ids[i] for i in (9, 2, 9, 0)]
    caches = world.caches
    with Store(caches["latent_shards"]) as latents, Store(caches["condition_paths"]) as clap:
        for row, clip_id in enumerate(batch.clip_ids):
            assert np.array_equal(batch.mean[row], latents.get("mean", clip_id))
            assert np.array_equal(batch.logvar[row], latents.get("logvar", clip_id))
            assert np.array_equal(batch.condition[row], clap.get("embedding", clip_id))
    assert batch.mean.dtype == batch.condition.dtype == torch.float32


def test_the_posterior_is_drawn_anew_and_scaled(training_set):
    batch = training_set.rows([0])
    torch.manual_seed(0)
    draws = torch.cat([batch.sample(0.5) for _ in range(2000)])
    assert not torch.equal(draws[0], draws[1])
    assert torch.allclose(draws.mean(0), 0.5 * batch.mean[0], atol=0.01)
    assert draws.std(0).mean().item() == pytest.approx(0.5 * np.exp(-3), rel=0.02)


def test_a_set_without_latents_or_embeddings_is_refused(world):
    caches = world.caches
    with pytest.raises(UserError, match="none of the 1 clips"):
        TrainingSet(caches["latent_shards"], caches["condition_paths"], ["lost"])
    with pytest.raises(UserError, match="no embedding of clip-12"):
        TrainingSet(caches["latent_shards"], [world.root / "latents-0.h5"], world.ids)


def test_what_the_caches_say_of_guidance_and_scale(world, tmp_path):
    assert unconditional_embedding(world.root / "text.h5").norm().item() == pytest.approx(1)
    assert scaling_factor(world.root / "vae") == 0.9
    with pytest.raises(UserError, match="unconditional"):
        unconditional_embedding(world.root / "latents-0.h5")
    with pytest.raises(UserError, match="scaling_factor"):
        scaling_factor(tmp_path)
