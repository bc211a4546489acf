"""What the trainings of all components share: state, optimizer, and the finished folder."""

from __future__ import annotations

import dataclasses
import inspect
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from .. import seeds
from ..errors import UserError
from ..files import replace_folder, write_json
from ..loop import check_finite, train_loop
from ..resume import clear_state, fingerprint, resume_state
from ..stages import VERSIONS
from .corpus import Corpus

KEPT_LOSSES = 200  # of the loss curve, in quality.json


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure of quality on held-out clips; `chance` is what knowing nothing would give."""

    name: str
    value: float
    chance: float | None
    unit: str
    n: int
    better: str  # "higher" | "lower"


@dataclasses.dataclass
class Job:
    """The training of one component: its data, its settings, and where it resumes."""

    name: str
    settings: dict
    corpus: Corpus
    out_folder: Path
    seed: int
    state: Path
    save_every: float
    progress_every: float

    def seed_weights(self) -> None:
        """Random weights made after this call depend on the study's seed and the name alone."""
        torch.manual_seed(seeds.derive(self.seed, self.name, "weights"))

    def train(
        self, network: torch.nn.Module, loss: Callable[[], dict[str, torch.Tensor]]
    ) -> list[dict]:
        """Minimise `loss()["loss"]` over the network's weights; the rows of all steps.

        AdamW; the learning rate rises over the first 5 % of the steps and falls as a cosine.
        """
        optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=self.settings["learning_rate"],
            weight_decay=self.settings["weight_decay"],
            betas=(0.9, 0.99),
        )
        steps, clip = self.settings["steps"], self.settings["gradient_clip"]

        def step(i: int) -> dict[str, float]:
            for group in optimizer.param_groups:
                group["lr"] = self.settings["learning_rate"] * warm_cosine(i, steps)
            self.corpus.drawn.clear()
            figures = loss()
            optimizer.zero_grad(set_to_none=True)
            figures["loss"].backward()
            norm = torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
            row = {name: value.item() for name, value in figures.items()}
            self._check({**row, "gradient_norm": norm.item()}, i, group["lr"])
            optimizer.step()
            return row

        network.train()
        history = train_loop(
            step,
            label=f"train {self.name}",
            stateful={"network": network, "optimizer": optimizer},
            last_step=steps,
            seed=seeds.derive(self.seed, self.name),
            state=self.state,
            save_every=self.save_every,
            progress_every=self.progress_every,
        )
        network.eval()
        return history

    def _check(self, row: Mapping[str, float], step: int, rate: float) -> None:
        key = f"models.trained.{self.name}"
        cure = f"Lower {key}.learning_rate or {key}.gradient_clip: the component is trained anew."
        check_finite(row, step, self.corpus.drawn, rate=rate, cure=cure)

    def finish(
        self, save: Callable[[Path], None], figures: Sequence[Figure], history: list[dict]
    ) -> None:
        """Put the model folder, written by `save`, and its quality.json in place, whole."""
        work = self.out_folder.with_name(f".{self.out_folder.name}.part")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        save(work)
        write_json(
            work / "quality.json",
            {
                "component": self.name,
                "figures": [dataclasses.asdict(figure) for figure in figures],
                "losses": thin(history),
            },
        )
        replace_folder(work, self.out_folder)


def warm_cosine(step: int, steps: int) -> float:
    """Factor of the learning rate: linear rise over 5 % of the steps, then a cosine to 2 %."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.02 + 0.98 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) / 2


def thin(history: list[dict]) -> list[list[float]]:
    """[step, loss] pairs, at most KEPT_LOSSES, the first and the last among them."""
    every = max(1, -(-len(history) // (KEPT_LOSSES - 1)))
    kept = history[::every]
    if history and kept[-1] is not history[-1]:
        kept.append(history[-1])
    return [[row["step"], row["loss"]] for row in kept]


@contextmanager
def component_job(
    name: str,
    *,
    audio_shards: Sequence[Path],
    manifest: Path,
    out_folder: Path,
    settings: dict,
    audio_config: dict,
    seed: int,
    state: Path,
    save_every: float,
    progress_every: float,
    inputs: Mapping[str, object],
) -> Iterator[Job]:
    """The job of training `name`; its resume state is held meanwhile, and emptied at the end.

    `inputs`: whatever else decides the result.
    """
    mark = fingerprint(
        component=name,
        version=VERSIONS["components"],
        audio=[Path(path) for path in audio_shards],
        manifest=Path(manifest),
        settings=settings,
        audio_config=audio_config,
        seed=seed,
        inputs=inputs,
    )
    with (
        resume_state(state, mark) as folder,
        Corpus(audio_shards, manifest, audio_config) as corpus,
    ):
        yield Job(
            name, settings, corpus, Path(out_folder), seed, folder, save_every, progress_every
        )
        clear_state(folder)


def known_fields(kind: type, values: dict, key: str) -> dict:
    """`values` if the constructor of `kind` knows each of them, else UserError naming `key`."""
    if dataclasses.is_dataclass(kind):
        known = {field.name for field in dataclasses.fields(kind)}
    else:
        known = set(inspect.signature(kind.__init__).parameters)
    unknown = sorted(set(values) - known)
    if unknown:
        raise UserError(f"{key}: {kind.__name__} has no {', '.join(unknown)}; remove or correct it")
    return values
