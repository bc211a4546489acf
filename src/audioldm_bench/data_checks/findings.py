"""What a check can say of a dataset, and what it is said of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from ..datasets.manifest import SPLITS, Clip
from .duplicates import Search
from .measure import Measures
from .originals import Header

STOP, WARNING, NOTE = "stop", "warning", "note"  # worst first
SEVERITIES = (STOP, WARNING, NOTE)
SPLIT_NAMES = {"train": "training", "validation": "validation", "evaluation": "evaluation"}


@dataclass
class Finding:
    """One sentence, what to do, and the clips; `pairs` hold clip ids, and how alike they are."""

    severity: str
    kind: str
    title: str
    cure: str
    clips: list[dict] = field(default_factory=list)  # clip_id, file, split, about
    pairs: list[dict] = field(default_factory=list)  # one, other (as a clip), alike

    def record(self) -> dict:
        return asdict(self)


@dataclass
class Settings:
    """What the config says of the dataset; times in s."""

    dataset: str
    sample_rate: int
    duration: float  # that a training clip is padded or cut to
    nominal_duration: float
    caption_template: str
    trained: bool  # whether a model of the study learns from it
    validation: bool  # whether the config asks for a validation split


@dataclass
class Data:
    """All that is known of a dataset when its findings are made."""

    settings: Settings
    clips: Sequence[Clip]  # of the manifest
    missing: Sequence[Mapping[str, str]]  # rows of missing.csv
    rejected: Mapping[str, str]  # reasons by clip id
    measures: Measures
    headers: Mapping[str, Header]
    exact: Sequence[Sequence[str]]  # groups of clip ids
    searches: Sequence[Search]

    def __post_init__(self) -> None:
        self.by_id = {clip.clip_id: clip for clip in self.clips}
        self.row = {clip_id: row for row, clip_id in enumerate(self.measures.ids)}
        self.rows = rows_of_splits(self.clips, self.measures.ids)

    def usable(self, split: str) -> int:
        return len(self.rows[split])

    def said(self, clip_id: str, about: str) -> dict:
        """A clip of the manifest as findings list it."""
        clip = self.by_id[clip_id]
        return {"clip_id": clip_id, "file": clip.file, "split": clip.split, "about": about}

    def where(self, condition: np.ndarray) -> list[str]:
        """Ids of the clips whose measure fulfils `condition`, (N,)."""
        return [self.measures.ids[row] for row in np.nonzero(condition)[0]]


def rows_of_splits(clips: Sequence[Clip], ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Row numbers in `ids` by split, ascending."""
    split_of = {clip.clip_id: clip.split for clip in clips}
    splits = np.array([split_of.get(clip_id, "") for clip_id in ids], dtype=object)
    return {split: np.nonzero(splits == split)[0] for split in SPLITS}


def many(number: int, word: str) -> str:
    """1 clip; 1,200 clips; 2 classes."""
    plural = f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number:,} {word if number == 1 else plural}"


def be(number: int) -> str:
    return "is" if number == 1 else "are"


def by_severity(findings: Sequence[Finding]) -> list[Finding]:
    """Worst first; those of one severity stay in their order."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
