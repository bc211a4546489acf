"""A loop that was killed makes what an undisturbed one makes."""

import errno
import os
import pickle
import signal

import pytest
import torch

from audioldm_bench.errors import UserError
from audioldm_bench.loop import check_finite, train_loop


class Study:
    """A model, its optimizer, and a step that draws from the global generator."""

    def __init__(self, at=None, action=None):
        torch.manual_seed(0)
        self.model = torch.nn.Linear(4, 4)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        self.at, self.action, self.calls = at, action, 0

    def step(self, i):
        self.calls += 1
        if i == self.at and self.action:
            action, self.action = self.action, None
            action()
        loss = (self.model(torch.randn(8, 4)) ** 2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        check_finite({"loss": loss.item()}, i, ["a", "b"], rate=0.01, cure="Lower the rate.")
        self.optimizer.step()
        return {"loss": loss.item()}

    def run(self, state, last_step=20, save_every=0.0):
        return train_loop(
            self.step,
            label="test",
            stateful={"model": self.model, "optimizer": self.optimizer},
            last_step=last_step,
            seed=1,
            state=state,
            save_every=save_every,
            progress_every=100,
        )


def interrupt():
    raise KeyboardInterrupt


@pytest.fixture
def undisturbed(tmp_path):
    (tmp_path / "u").mkdir()
    study = Study()
    return study.run(tmp_path / "u"), study.model.weight.detach().clone()


def finish(state, undisturbed, at_most):
    study = Study()
    history = study.run(state)
    assert study.calls <= at_most
    assert history == undisturbed[0]
    assert torch.equal(study.model.weight, undisturbed[1])


def test_several_kills_change_nothing(tmp_path, undisturbed):
    for at in (3, 9, 17):
        with pytest.raises(KeyboardInterrupt):
            Study(at, interrupt).run(tmp_path)
    finish(tmp_path, undisturbed, at_most=3)


def test_a_torn_state_falls_back_to_the_one_before(tmp_path, undisturbed, capfd):
    with pytest.raises(KeyboardInterrupt):
        Study(12, interrupt).run(tmp_path)
    newest = sorted(tmp_path.glob("state-*.pt"))[-1]
    newest.write_bytes(newest.read_bytes()[:200])
    finish(tmp_path, undisturbed, at_most=9)
    assert "damaged" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_saves_the_state_and_stops(tmp_path, undisturbed, number):
    stopped = Study(7, lambda: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as status:
        stopped.run(tmp_path, save_every=1e9)
    assert status.value.code == 128 + number and stopped.calls == 8
    finish(tmp_path, undisturbed, at_most=12)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    def poison():
        study.model.weight.data.fill_(float("nan"))

    study = Study(5, poison)
    with pytest.raises(
        UserError, match=r"loss not finite at step 5 \(learning rate 0.01; clips a, b\).*Lower"
    ):
        study.run(tmp_path)
    state = torch.load(sorted(tmp_path.glob("*.pt"))[-1], weights_only=True)
    assert torch.isfinite(state["objects"]["model"]["weight"]).all()


def test_a_changed_bit_is_noticed(tmp_path, undisturbed, capfd):
    """torch.load would take it as it is."""
    with pytest.raises(KeyboardInterrupt):
        Study(12, interrupt).run(tmp_path)
    newest = sorted(tmp_path.glob("state-*.pt"))[-1]
    weight = torch.load(newest, weights_only=True)["objects"]["model"]["weight"]
    content = newest.read_bytes()
    place = content.index(weight.numpy().tobytes())
    newest.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    torch.load(newest, weights_only=True)
    finish(tmp_path, undisturbed, at_most=9)
    assert "taking the one before" in capfd.readouterr().err


def test_without_a_good_state_the_run_starts_anew_and_says_so(tmp_path, undisturbed, capfd):
    with pytest.raises(KeyboardInterrupt):
        Study(12, interrupt).run(tmp_path)
    draft = tmp_path / ".state-000000013.pt.123.part.pt"
    for path in (*tmp_path.glob("state-*.pt"), draft):
        path.write_bytes(b"torn")
    finish(tmp_path, undisturbed, at_most=20)
    assert "starting anew" in capfd.readouterr().err
    assert not draft.exists()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        pickle.UnpicklingError("Weights only load failed"),
    ],
)
def test_a_good_state_that_cannot_be_read_now_is_kept(tmp_path, undisturbed, monkeypatch, error):
    with pytest.raises(KeyboardInterrupt):
        Study(12, interrupt).run(tmp_path)
    states = sorted(tmp_path.glob("state-*.pt"))

    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(torch, "load", fail)
        with pytest.raises(UserError, match=f"{states[-1].name} cannot be read.*It is kept"):
            Study().run(tmp_path)
    assert sorted(tmp_path.glob("state-*.pt")) == states
    finish(tmp_path, undisturbed, at_most=8)


def test_all_rows_are_told_at_each_save(tmp_path):
    told = []
    study = Study()
    history = train_loop(
        study.step,
        label="test",
        stateful={"model": study.model},
        last_step=4,
        seed=1,
        state=tmp_path,
        save_every=0.0,
        progress_every=100,
        on_save=lambda rows: told.append(len(rows)),
    )
    assert told == [1, 2, 3] and len(history) == 4
