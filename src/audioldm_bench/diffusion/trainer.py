"""One training step: posterior sample, noise, condition dropout, Eq. 3's loss, AdamW, EMA."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ..errors import UserError
from .data import TrainingSet
from .ema import EMA
from .noise import add_noise
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

    @property
    def stateful(self) -> dict:
        """What a resumed training has to have back."""
        return {"unet": self.unet, "ema": self.ema, "optimizer": self.optimizer}

    def step(self, i: int) -> dict[str, float]:
        """One update of Eq. 3's loss; its figures. UserError where it is not finite."""
        batch = self.data.batch(i, self.seed, self.training["batch_size"])
        latents = batch.sample(self.scaling_factor)
        noise = torch.randn(latents.shape)
        timesteps = torch.randint(0, len(self.alpha_bar), (len(latents),))
        condition = drop_condition(
            batch.condition, self.unconditional, self.training["condition_dropout"]
        )
        noisy = add_noise(latents, noise, timesteps, self.alpha_bar)
        loss = self._loss(noisy, noise, timesteps, condition)
        loss.backward()
        norm = torch.nn.utils.get_total_norm(
            [p.grad for p in self.unet.parameters() if p.grad is not None]
        )
        figures = torch.stack([loss.detach(), norm]).tolist()  # one wait for the GPU
        rate = learning_rate(i, self.training)
        row = {"loss": figures[0], "learning_rate": rate, "gradient_norm": figures[1]}
        self._check(row, i, batch.clip_ids)
        self._update(norm, rate)
        return row

    def _loss(self, noisy, noise, timesteps, condition) -> torch.Tensor:
        where = next(self.unet.parameters()).device
        half = self.training["precision"] == "bf16"
        with torch.autocast(where.type, torch.bfloat16, enabled=half):
            found = predict_noise(
                self.unet, noisy.to(where), timesteps.to(where), condition.to(where)
            )
        return torch.nn.functional.mse_loss(found.float(), noise.to(where))

    @staticmethod
    def _check(row: Mapping[str, float], step: int, clip_ids: Sequence[str]) -> None:
        bad = [name for name, value in row.items() if not math.isfinite(value)]
        if bad:
            raise UserError(
                f"{' and '.join(bad)} not finite at step {step} (learning rate"
                f" {row['learning_rate']:.3g}; clips {', '.join(clip_ids)}). The last good state is"
                " kept: lower training.learning_rate or set training.gradient_clip, and run again."
            )

    def _update(self, norm: torch.Tensor, rate: float) -> None:
        if self.training["gradient_clip"] is not None:
            torch.nn.utils.clip_grads_with_norm_(
                self.unet.parameters(), self.training["gradient_clip"], norm
            )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.update()
