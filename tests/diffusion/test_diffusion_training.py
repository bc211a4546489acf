"""Segments: the same bits cut or whole, killed or not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusion_world import TRAINING, UNET
from training_runs import rows_of, run, same

from audioldm_bench.diffusion import trainer as trainer_module
from audioldm_bench.diffusion import training as training_module
from audioldm_bench.diffusion.pretraining import pretrain
from audioldm_bench.diffusion.trainer import Trainer, drop_condition, learning_rate
from audioldm_bench.diffusion.unet import WEIGHTS, load_unet
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, read_json


@pytest.fixture(scope="module")
def whole(world, tmp_path_factory):
    """12 steps in one go."""
    folder = tmp_path_factory.mktemp("whole")
    run(world, folder, [0, 12])
    return folder


def test_segments_make_the_bits_of_one_go(world, whole, tmp_path):
    run(world, tmp_path, [0, 5, 9, 12])
    assert same(whole, tmp_path, 12)
    rows = rows_of(whole / "step-12")
    assert [int(row["step"]) for row in rows] == list(range(12))
    pieces = [row for last in (5, 9, 12) for row in rows_of(tmp_path / f"step-{last}")]
    assert pieces == rows
    assert list(rows[0]) == ["step", "loss", "learning_rate", "gradient_norm"]


def dies_at(step):
    """Trainer.step that leaves the weights half changed and dies at one step."""
    whole_step = Trainer.step

    def broken(self, i):
        row = whole_step(self, i)
        if i == step:
            self.unet.conv_in.weight.data.fill_(9.0)
            raise KeyboardInterrupt
        return row

    return broken


@pytest.mark.parametrize("save_every", [0.0, 1e9])
def test_a_killed_segment_ends_in_the_same_bits(world, whole, tmp_path, save_every):
    """Killed within a step, three times; with a state after each step, and without any."""
    resume = tmp_path / "resume-12"
    for step in (2, 7, 11):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Trainer, "step", dies_at(step))
            run(world, tmp_path, [0, 12], save_every=save_every)
        assert not (tmp_path / "step-12").exists()
        states = sorted(path.name for path in resume.glob("state-*.pt"))
        if save_every:
            assert not states
        else:
            assert states[-1] == f"state-{step:09d}.pt"
    if not save_every:  # the newest state is torn
        (resume / states[-1]).write_bytes((resume / states[-1]).read_bytes()[:1000])
    run(world, tmp_path, [0, 12], save_every=save_every)
    assert same(whole, tmp_path, 12)
    assert rows_of(tmp_path / "step-12") == rows_of(whole / "step-12")
    assert not list(resume.glob("state-*.pt"))


def test_the_state_of_other_work_is_not_taken_up(world, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "_check", lambda self, row, i, ids: 1 / (i - 6))
    with pytest.raises(ZeroDivisionError):
        run(world, tmp_path, [0, 12], save_every=0.0, seed=1)
    monkeypatch.undo()
    run(world, tmp_path, [0, 12])
    assert same(whole, tmp_path, 12)


@pytest.mark.parametrize("damage", ["torn", "bit"])
def test_a_damaged_state_between_segments_is_refused(world, tmp_path, damage):
    """torch.load would take a changed bit as it is."""
    run(world, tmp_path, [0, 2])
    path = tmp_path / "state-2/state.pt"
    content = bytearray(path.read_bytes())
    weight = torch.load(path, weights_only=True)["unet"]["conv_in.weight"]
    content[content.index(weight.numpy().tobytes())] ^= 1
    path.write_bytes(content[:1000] if damage == "torn" else content)
    with pytest.raises(UserError, match="state.pt cannot be read.*delete the folder, so that its"):
        run(world, tmp_path, [2, 4], start=tmp_path / "state-2")


def test_a_step_is_that_of_adamw_on_gradients_cut_by_their_norm(world, tmp_path):
    """Weight decay, betas and clipping to the norm: the update written out."""
    options = TRAINING | {"warmup_steps": 0, "gradient_clip": 0.05, "weight_decay": 0.5}
    seen = {}
    update = Trainer._update

    def watched(self, norm, rate):
        seen["before"] = {n: p.detach().clone() for n, p in self.unet.named_parameters()}
        seen["gradients"] = {n: p.grad.clone() for n, p in self.unet.named_parameters()}
        update(self, norm, rate)
        seen["after"] = {n: p.detach().clone() for n, p in self.unet.named_parameters()}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Trainer, "_update", watched)
        run(world, tmp_path, [0, 1], training=options)
    norm = torch.stack([g.square().sum() for g in seen["gradients"].values()]).sum().sqrt()
    assert norm > 0.05
    for name, before in seen["before"].items():
        gradient = seen["gradients"][name] * (0.05 / (norm + 1e-6))
        # of the first step, bias-corrected: the mean is the gradient, the variance its square
        step = gradient / (gradient.abs() + 1e-8)
        expected = before * (1 - 1e-3 * 0.5) - 1e-3 * step
        torch.testing.assert_close(seen["after"][name], expected, rtol=1e-4, atol=1e-6)


def test_a_pretrained_run_starts_from_the_given_model(world, whole, tmp_path):
    """A warm-up begins at rate 0, so that the first step changes nothing."""
    run(world, tmp_path, [0, 1], start=whole / "step-12", initialisation="pretrained")
    content = torch.load(tmp_path / "state-1" / "state.pt", weights_only=True)
    given = load_unet(whole / "step-12").state_dict()
    assert all(torch.equal(content["unet"][name], value) for name, value in given.items())


def test_a_scratch_run_takes_no_more_than_the_settings_of_a_model(world, whole, tmp_path):
    run(world, tmp_path, [0, 12], start=whole / "step-12")
    assert same(whole, tmp_path, 12)


def test_conditions_clips_and_options_enter_the_weights(world, whole, tmp_path):
    changes = {
        "text": {"condition_paths": [world.root / "text.h5"]},
        "pretrained": {"start": whole / "step-12", "initialisation": "pretrained"},
        "seed": {"seed": 5},
        "clip": {"training": TRAINING | {"gradient_clip": 0.01}},
        "bf16": {"training": TRAINING | {"precision": "bf16"}},
    }
    found = {file_sha256(whole / "step-12" / WEIGHTS)}
    for name, change in changes.items():
        run(world, tmp_path / name, [0, 12], **change)
        found.add(file_sha256(tmp_path / name / "step-12" / WEIGHTS))
    assert len(found) == 6
    norms = [float(row["gradient_norm"]) for row in rows_of(tmp_path / "clip" / "step-12")]
    assert max(norms) > 0.01  # the norm before the cut is what the table shows


def test_only_training_clips_are_trained_on(world, tmp_path, monkeypatch):
    seen = []
    check = Trainer._check
    monkeypatch.setattr(
        Trainer, "_check", lambda self, row, i, ids: (seen.extend(ids), check(self, row, i, ids))
    )
    run(world, tmp_path, [0, 4])
    assert sorted(seen) == world.train_ids


def test_warm_up_is_linear_from_zero(whole):
    rates = [float(row["learning_rate"]) for row in rows_of(whole / "step-12")]
    assert rates[:5] == pytest.approx([0, 1e-3 / 3, 2e-3 / 3, 1e-3, 1e-3])
    assert learning_rate(0, TRAINING | {"warmup_steps": 0}) == 1e-3
    assert learning_rate(10**6, TRAINING) == 1e-3


def test_conditions_are_dropped_at_the_rate():
    torch.manual_seed(0)
    condition, unconditional = torch.randn(20000, 3), torch.tensor([1.0, 2.0, 3.0])
    dropped = drop_condition(condition, unconditional, 0.1)
    gone = (dropped == unconditional).all(dim=1)
    assert gone.float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert torch.equal(dropped[~gone], condition[~gone])
    assert torch.equal(drop_condition(condition, unconditional, 0.0), condition)


def test_a_loss_that_is_not_finite_names_step_rate_and_clips(world, tmp_path, monkeypatch):
    predict = trainer_module.predict_noise
    calls = []

    def spoilt(*arguments):
        calls.append(1)
        return predict(*arguments) * (float("nan") if len(calls) == 4 else 1.0)

    monkeypatch.setattr(trainer_module, "predict_noise", spoilt)
    with pytest.raises(UserError, match=r"loss .*step 3 \(learning rate 0\.001; clips clip-"):
        run(world, tmp_path, [0, 12], save_every=0.0)
    monkeypatch.undo()
    states = sorted((tmp_path / "resume-12").glob("state-*.pt"))
    good = torch.load(states[-1], weights_only=True)
    assert good["step"] == 3
    assert all(value.isfinite().all() for value in good["objects"]["unet"].values())


def test_mistakes_are_refused_in_words(world, tmp_path):
    for change, word in (
        ({"initialisation": "warm"}, "warm"),
        ({"training": TRAINING | {"precision": "fp8"}}, "training.precision"),
        ({"start": tmp_path / "nowhere"}, "nowhere"),
    ):
        with pytest.raises(UserError, match=word):
            run(world, tmp_path, [0, 2], **change)


LEARNING = TRAINING | {"batch_size": 8, "learning_rate": 3e-3, "warmup_steps": 10}


def test_pretraining_beats_chance_and_uses_its_condition(world, tmp_path):
    arguments = {**world.caches, "training_config": LEARNING, "unet_settings": UNET}
    out = tmp_path / "diffusion"
    pretrain(out, steps=150, state=tmp_path / "state", **arguments)
    quality = read_json(out / "quality.json")
    figures = {figure["name"]: figure for figure in quality["figures"]}
    loss, gain = figures["denoising_loss"], figures["gain_by_condition"]
    assert loss["value"] < loss["chance"] < 1
    assert gain["value"] > 0.01
    assert loss["n"] == len(world.evaluation_ids)
    losses = [value for _, value in quality["losses"]]
    assert len(losses) == 150
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:5])
    assert (out / WEIGHTS).exists()
    assert len(rows_of(out)) == 150
    load_unet(out)


def test_pretraining_writes_no_state_that_nobody_would_use(world, tmp_path, monkeypatch):
    monkeypatch.setattr(training_module, "save_state", None)
    arguments = {**world.caches, "training_config": LEARNING, "unet_settings": UNET}
    pretrain(tmp_path / "diffusion", steps=2, state=tmp_path / "state", **arguments)
    assert (tmp_path / "diffusion" / WEIGHTS).exists()
