"""Findings that are read: captions and classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..datasets.manifest import SPLITS, Clip
from .findings import NOTE, SPLIT_NAMES, WARNING, Data, Finding, be, many

PLACEHOLDERS = {"audio", "caption", "clip", "description", "file", "label", "recording", "sound"}
PLACEHOLDERS |= {"n/a", "na", "nan", "nil", "no", "none", "null", "no caption", "no label"}
PLACEHOLDERS |= {"lorem ipsum", "placeholder", "tbd", "test", "text", "title", "todo", "unknown"}
PLACEHOLDERS |= {"unlabeled", "unlabelled", "unnamed", "untitled"}
IMBALANCED = 10  # times more training clips in the largest class than in the smallest [ours]
FEW = 5  # training clips of a class [ours]


def text_findings(data: Data) -> Iterator[Finding]:
    yield from _captions(data)
    yield from _one_caption(data)
    yield from _classes(data)


def prompt_parts(clip: Clip, template: str) -> list[str]:
    """The texts of a clip that its prompt is made of."""
    texts = {"{caption}": clip.caption, "{label}": clip.label}
    return [text for name, text in texts.items() if name in template]


def fault(clip: Clip, template: str) -> str:
    """What is wrong with a clip's caption; empty if nothing is."""
    for text in prompt_parts(clip, template):
        plain = " ".join(text.lower().split()).strip(" .?!-_")
        if not text.strip():
            return "no caption"
        if not any(letter.isalpha() for letter in plain):
            return f"{text!r} has no letter"
        if plain in PLACEHOLDERS:
            return f"{text!r} says nothing"
        path = PurePosixPath(clip.file)
        if plain in (path.stem.lower(), path.name.lower()) and any(c.isdigit() for c in plain):
            return f"{text!r} is the file's name"
    return ""


def _captions(data: Data) -> Iterator[Finding]:
    faults = {c.clip_id: fault(c, data.settings.caption_template) for c in data.clips}
    clips = [data.said(clip_id, words) for clip_id, words in faults.items() if words]
    if clips:
        yield Finding(
            WARNING,
            "captions",
            f"{many(len(clips), 'clip')} {be(len(clips))} without a caption that says anything",
            "The model learns that such a text means these sounds, and the evaluation generates"
            " from it. Write a caption, or take the rows out of the table.",
            clips,
        )


def _one_caption(data: Data) -> Iterator[Finding]:
    texts = {tuple(prompt_parts(c, data.settings.caption_template)) for c in data.clips}
    if len(texts) == 1 and len(data.clips) > 1:
        yield Finding(
            WARNING,
            "one-caption",
            "All clips have the same caption",
            "The text then says nothing of the sound, and every generated clip has one prompt."
            " Describe what is heard in each.",
        )


def class_counts(data: Data) -> dict[str, dict[str, int]]:
    """Usable clips by class and split; a clip of several classes counts in each."""
    counts: dict[str, Counter[str]] = {}
    for clip in data.clips:
        if clip.clip_id in data.row:
            for label in clip.labels:
                counts.setdefault(label, Counter())[clip.split] += 1
    return {label: {split: counts[label][split] for split in SPLITS} for label in sorted(counts)}


def _classes(data: Data) -> Iterator[Finding]:
    counts = class_counts(data)
    if not (data.settings.trained and counts and data.usable("train")):
        return
    for split in ("evaluation", "validation"):
        unseen = [name for name, own in counts.items() if own[split] and not own["train"]]
        if unseen:
            yield Finding(
                WARNING,
                f"unseen-{split}",
                f"{many(len(unseen), 'class')} of the {SPLIT_NAMES[split]} split"
                f" {be(len(unseen))} not in training: {_named(unseen)}",
                "The model is judged on sounds that it was never shown. Draw the split by class"
                " (split.stratify), or move clips.",
            )
    unheard = [name for name, own in counts.items() if own["train"] and not own["evaluation"]]
    if unheard:
        yield Finding(
            NOTE,
            "unheard",
            f"{many(len(unheard), 'class')} of training {be(len(unheard))} not in the evaluation"
            f" split: {_named(unheard)}",
            "No number of the study says how well these are made.",
        )
    yield from _imbalance({name: own["train"] for name, own in counts.items() if own["train"]})


def _imbalance(training: dict[str, int]) -> Iterator[Finding]:
    largest, smallest = max(training, key=training.get), min(training, key=training.get)
    few = [name for name, number in training.items() if number < FEW]
    if training[largest] >= IMBALANCED * training[smallest]:
        yield Finding(
            NOTE,
            "imbalance",
            f"Classes are uneven: {training[largest]:,} training clips of {largest},"
            f" {training[smallest]:,} of {smallest}",
            "Rare classes are learnt late and score low. Add clips, or keep it in mind.",
        )
    if few:
        yield Finding(
            NOTE,
            "few",
            f"{many(len(few), 'class')} {'has' if len(few) == 1 else 'have'} fewer than {FEW}"
            f" training clips: {_named(few)}",
            "So few are learnt by heart rather than understood. Add clips, or join classes.",
        )


def _named(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
