"""Counts against arithmetic: FLOPs, bytes, memory, and what a training step keeps."""

import torch

from audioldm_bench.diffusion.ema import EMA
from audioldm_bench.preflight.counting import Cost, count, without_values
from audioldm_bench.preflight.devices import Device, measured, seconds
from audioldm_bench.preflight.estimate import STATE
from audioldm_bench.preflight.parts import costs, published_unet
from config_cases import DEFAULT, MINI, merged


def test_a_product_and_its_views():
    with without_values():
        left, right = torch.empty(10, 20), torch.empty(20, 30)
        product = count(lambda: left @ right)
        views = count(lambda: left.T[:5].reshape(-1, 1).detach())
    assert product.operations == ((2 * 10 * 20 * 30, 4 * (200 + 600 + 300)),)
    assert product.peak == 4 * 300
    assert sum(flops for flops, _ in views.operations) == 0


def test_memory_is_what_is_held_at_once():
    def chain():
        x = torch.empty(1000)
        for _ in range(5):
            x = x * 2  # the one before is freed
        return x

    with without_values():
        assert count(chain).peak == 2 * 4000
        kept = torch.empty(1000, requires_grad=True)
        # forward keeps the cosine's input for each, backward makes gradients
        cost = count(lambda: kept.sin().sin().sin().sum().backward())
    assert cost.peak >= 3 * 4000


def test_attention_counts_as_fused():
    with without_values():
        heads = [torch.empty(1, 4, 256, 32) for _ in range(3)]
        cost = count(lambda: torch.nn.functional.scaled_dot_product_attention(*heads))
    assert cost.flops == 2 * 2 * 4 * 256 * 256 * 32
    assert cost.peak < 4 * 4 * 256 * 256  # no matrix of all pairs


def test_what_training_keeps_a_parameter():
    unet = torch.nn.Linear(50, 50)
    ema, optimizer = EMA(unet, 0.99), torch.optim.AdamW(unet.parameters(), fused=True)
    unet(torch.ones(1, 50)).sum().backward()
    optimizer.step()
    moments = [v for s in optimizer.state.values() for v in s.values() if v.numel() > 1]
    kept = [*unet.parameters(), *ema.weights.values(), *moments]
    parameters = sum(p.numel() for p in unet.parameters())
    assert sum(t.numel() * t.element_size() for t in kept) == STATE * parameters


def test_a_small_study_is_counted_from_its_config():
    config = merged(DEFAULT, MINI)
    small = costs(config)
    double = {"batch_size": 2 * config["training"]["batch_size"]}
    more = costs(merged(config, {"training": double}))
    assert small.size == "own" and small.latent[1] % 2 == 0
    assert 1.9 < more.train.flops / small.train.flops < 2.1
    assert more.denoise == small.denoise
    shared = costs(merged(config, {"training": double, "runtime": {"gpus_per_job": 2}}))
    assert shared.train == small.train, "each of two GPUs has half of the batch"
    assert small.train.peak > 4 * small.parameters["unet"]  # gradients at least
    assert small.features == {}  # its own backbones are not counted


def test_the_published_sizes_have_the_published_parameters():
    from audioldm_bench.diffusion.unet import build_unet

    counts = {}
    for size in "sml":
        with torch.device("meta"):
            unet = build_unet(published_unet(size))
        counts[size] = sum(parameter.numel() for parameter in unet.parameters())
    assert counts == {"s": 185_036_552, "m": 415_954_568, "l": 739_139_080}
    assert published_unet("l")["attention_head_dim"] == [4, 8, 12, 20]
    assert published_unet("m")["attention_head_dim"] == [6, 12, 18, 30]


def test_time_is_the_longer_of_work_and_starts():
    cost = Cost(operations=((100, 1), (1, 50)), peak=0)
    assert seconds(cost, Device("", 10.0, 50.0, 100.0, 10.0, launch=0.0)) == 10 + 5
    assert seconds(cost, Device("", 10.0, 50.0, 100.0, 10.0, launch=0.0), "bf16") == 1 + 5
    assert seconds(cost, Device("", 10.0, 50.0, 100.0, 10.0, launch=0.0), "tf32") == 2 + 5
    assert seconds(cost, Device("", 10.0, 50.0, 100.0, 10.0, launch=9.0)) == 18
    assert seconds(cost, Device("", 10.0, 50.0, 100.0, 10.0, launch=9.0), replayed=True) == 15


def test_this_cpu_is_measured():
    found = measured(torch.device("cpu"), "here")
    assert found.name == "here"
    assert 1e8 < found.fp32 < 1e14 and 1e8 < found.bandwidth < 1e13 and 0 < found.launch < 1e-2
