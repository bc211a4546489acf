"""What `training` offers beside the plain run: memory, number formats, adapters, curves."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch
from diffusion_world import DIFFUSION, TRAINING, UNET
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_runs import figures, rows_of, run, same

from audioldm_bench.datasets.manifest import read_manifest, write_manifest
from audioldm_bench.diffusion import trainer as trainer_module
from audioldm_bench.diffusion.data import scaling_factor
from audioldm_bench.diffusion.lora import ADAPTER
from audioldm_bench.diffusion.noise import make_scheduler
from audioldm_bench.diffusion.trainer import Trainer
from audioldm_bench.diffusion.unet import WEIGHTS, load_unet, predict_noise
from audioldm_bench.diffusion.validation import validation_loss
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256, read_json

LORA = {"rank": 3, "alpha": 6, "targets": ["to_q", "to_out.0", "time_emb_proj"]}
ADAPTED = TRAINING | {"lora": LORA, "warmup_steps": 0}


# ------------------------------------------------------------------------------ accumulation
def test_accumulated_batches_are_one_large_batch(world, tmp_path):
    for name, change in (("8x1", {"batch_size": 8}), ("4x2", {"accumulate": 2})):
        run(world, tmp_path / name, [0, 6], training=TRAINING | change)
    one, two = (tmp_path / name / "step-6" for name in ("8x1", "4x2"))
    for name in ("loss", "gradient_norm"):
        assert figures(two, name) == pytest.approx(figures(one, name), rel=1e-4)
    run(world, tmp_path / "4x2-cut", [0, 4, 6], training=TRAINING | {"accumulate": 2})
    assert same(tmp_path / "4x2", tmp_path / "4x2-cut", 6)


# --------------------------------------------------------------------------------- precision
def scale_of(folder):
    return torch.load(folder / "state.pt", weights_only=True)["scaler"]["scale"]


def test_half_precision_follows_single_and_keeps_its_scale(world, tmp_path, monkeypatch):
    run(world, tmp_path / "fp32", [0, 4])
    half = TRAINING | {"precision": "fp16"}
    monkeypatch.setattr(  # one that overflows
        trainer_module, "make_scaler", lambda *_: torch.amp.GradScaler("cpu", init_scale=2.0**40)
    )
    run(world, tmp_path / "fp16", [0, 4], training=half)
    losses = figures(tmp_path / "fp16/step-4", "loss")
    assert losses == pytest.approx(figures(tmp_path / "fp32/step-4", "loss"), rel=0.02)
    assert losses != figures(tmp_path / "fp32/step-4", "loss")
    assert 1 < scale_of(tmp_path / "fp16/state-4") < 2.0**40
    run(world, tmp_path / "cut", [0, 2, 4], training=half)
    assert same(tmp_path / "fp16", tmp_path / "cut", 4)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_gradients_that_no_scale_makes_finite_stop_the_run(world, tmp_path, monkeypatch, precision):
    gradients = Trainer._gradients

    def spoilt(self, drawn):
        loss, norm = gradients(self, drawn)
        return loss, norm * float("inf")

    monkeypatch.setattr(Trainer, "_gradients", spoilt)
    words = r"gradient_norm not finite at step 0 \(learning rate 0; clips clip-"
    with pytest.raises(UserError, match=words):
        run(world, tmp_path, [0, 2], training=TRAINING | {"precision": precision})


# -------------------------------------------------------------------------------- optimizers
EIGHT = TRAINING | {"optimizer": "adamw_8bit"}


@pytest.mark.skipif(not find_spec("bitsandbytes"), reason="bitsandbytes is not installed")
def test_the_8_bit_optimizer_follows_and_goes_on_to_the_same_bits(world, tmp_path):
    run(world, tmp_path / "plain", [0, 6])
    run(world, tmp_path / "whole", [0, 6], training=EIGHT)
    run(world, tmp_path / "cut", [0, 3, 6], training=EIGHT)
    weights = [file_sha256(tmp_path / name / "step-6" / WEIGHTS) for name in ("whole", "cut")]
    assert weights[0] == weights[1]
    losses = figures(tmp_path / "whole/step-6", "loss")
    assert losses == pytest.approx(figures(tmp_path / "plain/step-6", "loss"), rel=0.05)
    sizes = [
        sum(
            value.nbytes
            for state in torch.load(tmp_path / name / "state-6/state.pt")["optimizer"][
                "state"
            ].values()
            for value in state.values()
            if isinstance(value, torch.Tensor)
        )
        for name in ("whole", "plain")
    ]
    assert sizes[0] < 0.8 * sizes[1]


def test_optimizers_that_are_not_there_are_refused(world, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", None)
    for training, words in ((EIGHT, "pip install"), (EIGHT | {"optimizer": "sgd"}, "'sgd' must")):
        with pytest.raises(UserError, match=rf"training\.optimizer: .*{words}"):
            run(world, tmp_path, [0, 1], training=training)


# ----------------------------------------------------------------------------- checkpointing
def test_checkpointed_gradients_are_equal(world, tmp_path, monkeypatch):
    calls = []
    checkpoint = torch.utils.checkpoint.checkpoint
    monkeypatch.setattr(
        torch.utils.checkpoint,
        "checkpoint",
        lambda *args, **given: (calls.append(1), checkpoint(*args, **given))[1],
    )
    run(world, tmp_path / "plain", [0, 3])
    assert not calls
    run(world, tmp_path / "again", [0, 3], training=TRAINING | {"gradient_checkpointing": True})
    assert calls
    for name in ("loss", "gradient_norm"):
        found = figures(tmp_path / "again/step-3", name)
        assert found == pytest.approx(figures(tmp_path / "plain/step-3", name), rel=1e-6)


# -------------------------------------------------------------------------------------- LoRA
@pytest.fixture(scope="module")
def adapted(world, unet_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    run(world, folder, [0, 4], training=ADAPTED, start=unet_folder, initialisation="pretrained")
    return folder


def test_an_adapter_is_merged_and_kept_beside(unet_folder, adapted):
    before = load_unet(unet_folder)
    merged = load_unet(adapted / "step-4")
    changed = {
        name
        for name, tensor in merged.state_dict().items()
        if not torch.equal(tensor, before.state_dict()[name])
    }
    assert changed
    assert all(name.endswith(tuple(f"{t}.weight" for t in LORA["targets"])) for name in changed)
    sizes = [(adapted / "step-4" / name).stat().st_size for name in (ADAPTER, WEIGHTS)]
    assert 4 * sizes[0] < sizes[1]

    torch.manual_seed(0)
    given = torch.randn(2, 4, 16, 8), torch.tensor([3, 700]), torch.randn(2, 12)
    plain = predict_noise(before, *given)
    # as a user of diffusers does
    before.load_lora_adapter(str(adapted / "step-4"), prefix=None, weight_name=ADAPTER)
    beside, wanted = predict_noise(before, *given), predict_noise(merged, *given)
    assert torch.allclose(beside, wanted, atol=1e-5)
    assert not torch.allclose(plain, wanted, atol=1e-4)


def test_the_adapter_alone_learns_and_is_averaged(adapted):
    content = torch.load(adapted / "state-4/state.pt", weights_only=True)
    learning = set(content["ema"]["weights"])
    assert learning == {name for name in content["unet"] if ".lora_" in name}
    assert len(content["optimizer"]["state"]) == len(learning)
    averages = load_file(adapted / "step-4" / ADAPTER)
    raw = {name.replace(".default.", "."): content["unet"][name] for name in learning}
    assert averages.keys() == raw.keys()
    assert any(not torch.equal(averages[name], raw[name]) for name in raw)


def test_an_adapter_goes_on_to_the_same_bits(world, unet_folder, adapted, tmp_path):
    given = {"training": ADAPTED, "start": unet_folder, "initialisation": "pretrained"}
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(Trainer, "_check", lambda self, row, i, ids: 1 / (i - 3))
        run(world, tmp_path, [0, 4], save_every=0.0, **given)
    states = sorted((tmp_path / "resume-4").glob("state-*.pt"))
    held = torch.load(states[-1], weights_only=True)["objects"]["unet"]
    assert held and all(".lora_" in name for name in held)
    run(world, tmp_path, [0, 4], **given)
    assert same(adapted, tmp_path, 4)
    run(world, tmp_path / "cut", [0, 1, 4], **given)
    assert same(adapted, tmp_path / "cut", 4)


def test_adapters_that_cannot_be_are_refused(world, unet_folder, tmp_path):
    with pytest.raises(UserError, match=r"training\.initialisations to \[pretrained\]"):
        run(world, tmp_path, [0, 1], training=ADAPTED)
    wrong = ADAPTED | {"lora": LORA | {"targets": ["to_q", "to_x"]}}
    with pytest.raises(UserError, match=r"training\.lora\.targets: .*'to_x'; there are .*to_q"):
        run(world, tmp_path, [0, 1], training=wrong, start=unet_folder, initialisation="pretrained")


# -------------------------------------------------------------------------------- validation
def test_the_validation_loss_is_of_the_averages_and_fixed(world, tmp_path, capfd):
    clips = read_manifest(world.root / "manifest.csv")
    moved = [c for c in clips if c.split == "evaluation"][:5]
    clips = [replace(clip, split="validation") if clip in moved else clip for clip in clips]
    path = tmp_path / "manifest.csv"
    write_manifest(path, clips)
    run(world, tmp_path, [0, 3, 5], manifest_path=path)
    for step in (3, 5):
        found = read_json(tmp_path / f"step-{step}/validation.json")
        assert (found["clips"], found["step"]) == (5, step)
        loss = validation_loss(
            load_unet(tmp_path / f"step-{step}"),
            world.caches["latent_shards"],
            world.caches["condition_paths"],
            path,
            scale=scaling_factor(world.root / "vae"),
            alpha_bar=make_scheduler(DIFFUSION).alphas_cumprod,
            batch_size=2,
            seed=0,
        )["loss"]
        assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert f"validation loss after 5 steps: {found['loss']:.5f} (5 clips)" in capfd.readouterr().err
    run(world, tmp_path / "none", [0, 5])
    none = read_json(tmp_path / "none/step-5/validation.json")
    assert none == {"loss": None, "clips": 0, "step": 5}
    assert same(tmp_path, tmp_path / "none", 5)  # what is measured changes nothing


# -------------------------------------------------------------------------------- TensorBoard
def points(folder, tag="training/loss"):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def test_tensorboard_has_each_step_once_whatever_was_killed(world, tmp_path):
    for at in (3, 5):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(ZeroDivisionError):
            patch.setattr(Trainer, "_check", lambda self, row, i, ids, at=at: 1 / (i - at))
            run(world, tmp_path, [0, 8], save_every=0.0)
        live = points(tmp_path / "resume-8/tensorboard")
        assert [step for step, _ in live] == list(range(1, at + 1))
    run(world, tmp_path, [0, 8], save_every=0.0)
    wanted = [(int(row["step"]) + 1, float(row["loss"])) for row in rows_of(tmp_path / "step-8")]
    found = points(tmp_path / "step-8")
    assert [step for step, _ in found] == [step for step, _ in wanted]
    assert [v for _, v in found] == pytest.approx([v for _, v in wanted], rel=1e-6)
    names = sorted(path.name for path in (tmp_path / "step-8").iterdir())
    assert names == [
        "config.json",
        WEIGHTS,
        "events.out.tfevents.0000008",
        "training.csv",
        "validation.json",
    ]


# ---------------------------------------------------------------------------- the last segment
def test_the_last_segment_leaves_no_state(world, tmp_path):
    run(world, tmp_path, [0, 2], leave_state=False)
    assert [path.name for path in (tmp_path / "state-2").iterdir()] == ["end.json"]
    with pytest.raises(UserError, match=r"state-2 holds no state\.pt: .*delete the folder"):
        run(world, tmp_path, [2, 4], start=tmp_path / "state-2")


def test_settings_of_a_component_need_not_name_them(world, tmp_path):
    """models.trained.diffusion has no accumulation, checkpointing or adapter."""
    named = TRAINING | {"accumulate": 1, "gradient_checkpointing": False, "lora": None}
    run(world, tmp_path / "named", [0, 2], training=named)
    run(world, tmp_path / "not", [0, 2], start=UNET)
    assert same(tmp_path / "named", tmp_path / "not", 2)
