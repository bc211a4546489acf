"""Findings about splits: clips that are not there, splits without clips, and what stands on both
sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from ..datasets.manifest import SPLITS
from .duplicates import Pair, Search
from .findings import NOTE, SPLIT_NAMES, STOP, WARNING, Data, Finding, be, many
from .signals import quiet_clips

_OTHER_REASONS = ("silent", "shorter", "empty")  # which have findings of their own
_LEAK = (
    "What was trained on is then evaluated, and scores look better than they are. Take one of the"
    " two out; or give both the same recording in the table's column `group` and use split.kind"
    " fold, which keeps recordings apart."
)
_NEAR = (
    "Listen to both: they hold the same recording, at another level, in another format or cut"
    " elsewhere."
)
_COPIES = (
    "Copies count more than other clips. Keep one, unless that is meant; in the evaluation split"
    " they also make the reference narrower."
)


def side_findings(data: Data) -> Iterator[Finding]:
    yield from _empty(data)
    yield from _missing(data)
    yield from _unreadable(data)
    yield from _exact(data)
    for search in data.searches:
        yield from _near(data, search)
    yield from _recordings(data)
    yield from _originals_gone(data)


def _empty(data: Data) -> Iterator[Finding]:
    needed = ["evaluation"] + ["train"] * data.settings.trained
    quiet = set(data.where(quiet_clips(data)))
    named = Counter(clip.split for clip in data.clips)
    named.update(row.get("split", "") for row in data.missing)
    for split in needed:
        usable = {data.measures.ids[row] for row in data.rows[split]}
        if not usable - quiet:
            why = f"all {len(usable)} usable clips are silent" if usable else "no clip is usable"
            yield Finding(
                STOP,
                f"empty-{split}",
                f"The {SPLIT_NAMES[split]} split cannot be used: of {many(named[split], 'clip')}"
                f" that it names, {why}",
                "Mend the clips below, or choose another split"
                f" (datasets.{data.settings.dataset}.split).",
            )
    if data.settings.validation and not data.usable("validation"):
        yield Finding(
            WARNING,
            "empty-validation",
            f"The validation split has no usable clip, of {named['validation']:,} that it names",
            "No validation loss will be measured. Mend the clips, or set split.validation to 0.",
        )


def _missing(data: Data) -> Iterator[Finding]:
    if data.missing:
        clips = [
            {key: row.get(key, "") for key in ("clip_id", "file", "split")}
            | {"about": row.get("reason", "")}
            for row in data.missing
        ]
        yield Finding(
            WARNING,
            "missing",
            f"{many(len(clips), 'clip')} of the tables {be(len(clips))} not there",
            "The study goes on without them, and every result says how many clips it stands on."
            " Put the files where the table says, or take the rows out.",
            clips,
        )


def _unreadable(data: Data) -> Iterator[Finding]:
    chosen = sorted(
        i
        for i, why in data.rejected.items()
        if not why.startswith(_OTHER_REASONS) and i in data.by_id
    )
    if chosen:
        yield Finding(
            WARNING,
            "unreadable",
            f"{many(len(chosen), 'clip')} could not be read and {be(len(chosen))} left out",
            "Convert these files to wav, flac or ogg, or fetch them again, and delete the"
            f" dataset's folder data/{data.settings.dataset}/audio.",
            [data.said(i, data.rejected[i]) for i in chosen],
        )


def _pair(data: Data, pair: Pair) -> dict:
    sides = sorted((pair.one, pair.other), key=lambda i: (SPLITS.index(data.by_id[i].split), i))
    one, other = (data.said(i, "") for i in sides)
    return {"one": one, "other": other, "alike": round(pair.alike, 3)}


def _exact(data: Data) -> Iterator[Finding]:
    for leak in (True, False):
        groups = [g for g in data.exact if leak == (len({data.by_id[i].split for i in g}) > 1)]
        pairs = [_pair(data, Pair(g[0], i, 1.0)) for g in groups for i in g[1:]]
        if not pairs:
            continue
        clips = sum(map(len, groups))
        if leak:
            title = f"{many(clips, 'clip')} {be(clips)} the same sound in more than one split"
        else:
            title = f"{many(clips, 'clip')} {be(clips)} copies within a split"
        severity, cure = (WARNING, _LEAK) if leak else (NOTE, _COPIES)
        kind = "exact-leak" if leak else "exact-copy"
        yield Finding(severity, kind, title, cure, pairs=pairs)


def _near(data: Data, search: Search) -> Iterator[Finding]:
    if not search.pairs:
        return
    (one, other), number = search.splits, len(search.pairs)
    leak = one != other
    where = (
        f"between {SPLIT_NAMES[one]} and {SPLIT_NAMES[other]}"
        if leak
        else f"within the {SPLIT_NAMES[one]} split"
    )
    yield Finding(
        WARNING if leak else NOTE,
        f"near-{one}-{other}",
        f"{many(number, 'pair')} of near-duplicates {where}",
        f"{_NEAR} {_LEAK if leak else _COPIES}",
        pairs=[_pair(data, pair) for pair in search.pairs],
    )


def _recordings(data: Data) -> Iterator[Finding]:
    sides: dict[str, set[str]] = defaultdict(set)
    for clip in data.clips:
        if clip.group and clip.clip_id in data.row:
            sides[clip.group].add(clip.split)
    shared = {group for group, splits in sides.items() if {"train", "evaluation"} <= splits}
    clips = [
        data.said(clip.clip_id, f"recording {clip.group}")
        for clip in data.clips
        if clip.group in shared and clip.split == "evaluation" and clip.clip_id in data.row
    ]
    if clips:
        yield Finding(
            WARNING if data.settings.trained else NOTE,
            "recordings",
            f"{many(len(clips), 'evaluation clip')} {be(len(clips))} cut from recordings that"
            " training has pieces of too",
            "Scores look better than they are. Use split.kind fold, which keeps recordings apart;"
            " the paper's random split does not.",
            clips,
        )


def _originals_gone(data: Data) -> Iterator[Finding]:
    gone = [i for i in data.measures.ids if i not in data.headers and i in data.by_id]
    if gone:
        yield Finding(
            NOTE,
            "originals-gone",
            f"The files of {many(len(gone), 'clip')} are not there any more, or have no header",
            "Their waveforms are in the study and were checked; sample rates, channels and what"
            " was cut off were not.",
            [data.said(i, "") for i in gone],
        )
