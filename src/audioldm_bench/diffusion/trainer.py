"""One training step: posterior sample, noise, condition dropout, Eq. 3's loss, AdamW, EMA.

A step draws all it needs for `accumulate` batches at once, so the number of batches that they are
worked on in changes results by rounding alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch

from ..loop import check_finite
from .data import Batch, TrainingSet
from .ema import EMA
from .noise import add_noise
from .parallel import ALONE, Team
from .precision import autocast, lower_scale, make_scaler, matrix_format
from .replay import Replay
from .unet import predict_noise


def learning_rate(step: int, training: Mapping) -> float:
    """Of the step counted from 0: linear from 0 over warmup_steps, then constant [code]."""
    warmup = training["warmup_steps"]
    return training["learning_rate"] * (min(1.0, step / warmup) if warmup else 1.0)


def drop_condition(
    condition: torch.Tensor, unconditional: torch.Tensor, probability: float
) -> torch.Tensor:
    """(B, P) with each row replaced by `unconditional` (P,) with `probability`.

    From torch's global generator: the model learns both predictions that guidance combines.
    """
    dropped = torch.rand(len(condition)) < probability
    return torch.where(dropped[:, None], unconditional, condition)


class Learning:
    """The weights of a model that learn, as a state holds them."""

    def __init__(self, model: torch.nn.Module):
        self._parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}

    def state_dict(self) -> dict[str, torch.Tensor]:
        return {name: parameter.detach() for name, parameter in self._parameters.items()}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(state[name])


@dataclass
class Trainer:
    """All that a training step touches."""

    unet: torch.nn.Module
    ema: EMA
    optimizer: torch.optim.Optimizer
    data: TrainingSet
    unconditional: torch.Tensor  # (P,)
    alpha_bar: torch.Tensor  # (timesteps,)
    scaling_factor: float
    training: Mapping
    seed: int
    section: str = "training"  # of the config: where `training` is from
    team: Team = ALONE
    replayed: bool = True  # where it can be: on a GPU, not with checkpointing's random numbers
    scaler: torch.amp.GradScaler = field(init=False)
    _pass: Callable[..., torch.Tensor] = field(init=False)
    _learning: list[torch.nn.Parameter] = field(init=False)

    def __post_init__(self) -> None:
        self._learning = [p for p in self.unet.parameters() if p.requires_grad]
        self.scaler = make_scaler(self.training["precision"], self._device)
        on_gpu = self._device.type == "cuda"
        self.replayed &= on_gpu and not self.training["gradient_checkpointing"]
        self._pass = Replay(self._backward, self._clear) if self.replayed else self._backward

    @property
    def _device(self) -> torch.device:
        return next(self.unet.parameters()).device

    @property
    def _batches(self) -> int:
        """Batches a step."""
        return self.training["accumulate"]

    @property
    def stateful(self) -> dict:
        """What a resumed training has to have back."""
        return {
            "unet": Learning(self.unet),
            "ema": self.ema,
            "optimizer": self.optimizer,
            "scaler": self.scaler,
        }

    def step(self, i: int) -> dict[str, float]:
        """One update of Eq. 3's loss; its figures. UserError where it is not finite.

        Where fp16's gradients overflow, the step is done again with half the loss's scale.
        """
        clips = self._batches * self.training["batch_size"]
        batch = self.data.batch(i, self.seed, clips)
        drawn = self._draw(batch)
        rate = learning_rate(i, self.training)
        while True:
            with matrix_format(self.training["precision"]):
                loss, norm = self._gradients(drawn)
            figures = torch.stack([loss, norm]).tolist()  # one wait for the GPU
            row = {"loss": figures[0], "learning_rate": rate, "gradient_norm": figures[1]}
            overflow = math.isfinite(figures[0]) and not math.isfinite(figures[1])
            if not (overflow and lower_scale(self.scaler)):
                break
            self._clear()
        self._check(row, i, batch.clip_ids)
        self._update(norm, rate)
        return row

    def _draw(self, batch: Batch) -> tuple[torch.Tensor, ...]:
        """Noisy latents, noise, time steps and conditions of a whole step, on the CPU."""
        latents = batch.sample(self.scaling_factor)
        noise = torch.randn(latents.shape)
        timesteps = torch.randint(0, len(self.alpha_bar), (len(latents),))
        condition = drop_condition(
            batch.condition, self.unconditional, self.training["condition_dropout"]
        )
        return add_noise(latents, noise, timesteps, self.alpha_bar), noise, timesteps, condition

    def _gradients(self, drawn: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Leaves the step's gradients in the weights; its loss, and their norm."""
        parts = zip(*(rows.split(self.training["batch_size"]) for rows in drawn), strict=True)
        losses = []
        for part in parts:
            own = [rows.to(self._device) for rows in self.team.share(*part)]
            losses.append(self._pass(*own).clone())
        total = sum(losses[1:], losses[0])
        gradients = self._present()
        self.team.average([total, *gradients])
        self.scaler.unscale_(self.optimizer)
        return total, torch.nn.utils.get_total_norm(gradients)

    def _backward(self, noisy, noise, timesteps, condition) -> torch.Tensor:
        """Adds the gradients of a batch to those that are there; its share of the loss."""
        loss = self._loss(noisy, noise, timesteps, condition) / self._batches
        self.scaler.scale(loss).backward()
        return loss.detach()

    def _loss(self, noisy, noise, timesteps, condition) -> torch.Tensor:
        with autocast(self.training["precision"], noisy.device):
            found = predict_noise(self.unet, noisy, timesteps, condition)
        return torch.nn.functional.mse_loss(found.float(), noise)

    def _present(self) -> list[torch.Tensor]:
        """The gradients that there are."""
        return [p.grad for p in self._learning if p.grad is not None]

    def _clear(self) -> None:
        """No gradients; those that a recording writes to stay where they are."""
        if self.replayed:
            torch._foreach_zero_(self._present())
        else:
            self.optimizer.zero_grad(set_to_none=True)

    def _check(self, row: Mapping[str, float], step: int, clip_ids: Sequence[str]) -> None:
        cure = f"Lower {self.section}.learning_rate or set {self.section}.gradient_clip"
        if self.training["precision"] == "fp16":
            cure += f" or set {self.section}.precision to bf16 or fp32"
        cure += ": what was trained with the old value is trained anew."
        check_finite(row, step, clip_ids, rate=row["learning_rate"], cure=cure)

    def _update(self, norm: torch.Tensor, rate: float) -> None:
        if self.training["gradient_clip"] is not None:
            torch.nn.utils.clip_grads_with_norm_(
                self._learning, self.training["gradient_clip"], norm
            )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self._clear()
        self.ema.update()
