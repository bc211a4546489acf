"""Checks a dataset: reads it once, makes the findings, writes checks.json and the page."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..datasets.csvfiles import read_rows
from ..datasets.manifest import MISSING_COLUMNS, SPLITS, Clip, read_manifest
from ..errors import UserError
from ..files import write_json
from ..store import Store
from . import duplicates
from .charts import histogram
from .findings import (
    NOTE,
    STOP,
    WARNING,
    Data,
    Finding,
    Settings,
    by_severity,
    many,
    rows_of_splits,
)
from .measure import Measures, decibel, measured
from .originals import Header, read_headers, same_files
from .page import write_page
from .sides import side_findings
from .signals import TOLERANCE, signal_findings
from .texts import class_counts, text_findings

PAGE, CHECKS = "check.html", "checks.json"


def check_data(
    manifest: Path,
    missing: Path,
    shards: Sequence[Path],
    root: Path,
    *,
    settings: Settings,
    mel: dict,
    checks_path: Path,
    page_path: Path,
    state: Path,
    progress_every: float = 30.0,
) -> list[Finding]:
    """Writes checks.json and the page, says each finding but notes in a line, gives all.

    UserError on a finding that no training can mend; both files then stand in `state`, for a
    failed job's outputs are deleted. Memory: a waveform, some numbers a clip, and a block of
    fingerprints.
    """
    clips = read_manifest(Path(manifest))
    cure = "it is made by the pipeline: delete it and run again"
    absent = read_rows(Path(missing), MISSING_COLUMNS, cure=cure, may_be_empty=True)
    headers = read_headers(root, clips)
    scratch, label = Path(state) / "fingerprints.f16", f"check_dataset {settings.dataset}"
    kept = Path(state) / PAGE, Path(state) / CHECKS
    for path in kept:
        path.unlink(missing_ok=True)
    with (
        Store([Path(path) for path in shards]) as store,
        measured(shards, settings.duration, scratch, label=label, every=progress_every) as found,
    ):
        exact = _exact(root, clips, headers, found, settings.duration)
        searches = _searches(store, clips, found, exact)
        data = Data(settings, clips, absent, store.rejected, found, headers, exact, searches)
        findings = by_severity([*side_findings(data), *signal_findings(data), *text_findings(data)])
        stops = [finding for finding in findings if finding.severity == STOP]
        page_path, checks_path = kept if stops else (Path(page_path), Path(checks_path))
        record = _record(data, findings)
        write_json(checks_path, record)
        write_page(page_path, record, store, mel)
    _tell(settings.dataset, findings, page_path)
    if stops:
        raise UserError(_refusal(settings.dataset, stops, page_path))
    return findings


def _exact(
    root: Path,
    clips: Sequence[Clip],
    headers: dict[str, Header],
    found: Measures,
    duration: float,
) -> list[list[str]]:
    """Groups of equal waveforms. Of a clip that was cut another piece is used in every copy, so
    their files are compared."""
    usable = set(found.ids)
    cut = [
        clip
        for clip in clips
        if clip.clip_id in usable
        and clip.clip_id in headers
        and headers[clip.clip_id].seconds > duration + TOLERANCE
    ]
    keys: dict[str, object] = dict(zip(found.ids, found.digests, strict=True))
    return duplicates.exact_groups(keys | same_files(root, cut))


def _searches(
    store: Store, clips: Sequence[Clip], found: Measures, exact: Sequence[Sequence[str]]
) -> list[duplicates.Search]:
    rows = rows_of_splits(clips, found.ids)
    known = {frozenset((a, b)) for group in exact for a in group for b in group if a != b}
    present = [split for split in SPLITS if len(rows[split])]
    return [
        duplicates.search(store, found.fingerprints, rows, splits, known)
        for splits in duplicates.split_pairs(present)
    ]


def _record(data: Data, findings: Sequence[Finding]) -> dict:
    """What checks.json holds."""
    named = Counter(clip.split for clip in data.clips)
    named.update(row["split"] for row in data.missing)
    seconds, nominal = data.measures.seconds, data.settings.nominal_duration
    longest = max(data.settings.duration, nominal)
    return {
        "dataset": data.settings.dataset,
        "trained": data.settings.trained,
        "findings": [finding.record() for finding in findings],
        "clips": {s: {"named": named[s], "usable": data.usable(s)} for s in SPLITS},
        "seconds": round(float(seconds.sum()), 3),
        "classes": class_counts(data),
        "durations": histogram(seconds, np.linspace(0, longest, 21)),
        "levels": histogram(decibel(data.measures.peak), np.arange(-80, 5, 4)),
        "sample_rates": _counted(header.rate for header in data.headers.values()),
        "channels": _counted(header.channels for header in data.headers.values()),
        "searches": [
            {
                "splits": list(search.splits),
                "compared": search.compared,
                "shifted": search.shifted,
                "proposed": search.proposed,
                "confirmed": search.confirmed,
                "found": len(search.pairs),
            }
            for search in data.searches
        ],
    }


def _counted(values) -> dict[str, int]:
    return {str(value): number for value, number in sorted(Counter(values).items())}


def _tell(dataset: str, findings: Sequence[Finding], page: Path) -> None:
    """A line for each finding that asks for something, and one for the rest."""
    counts = Counter(finding.severity for finding in findings)
    for finding in findings:
        if finding.severity != NOTE:
            words = f"[check_dataset {dataset}] {finding.severity}: {finding.title}"
            print(words, file=sys.stderr, flush=True)
    told = ", ".join(many(counts[name], name) for name in (WARNING, NOTE))
    print(f"[check_dataset {dataset}] {told}: {page}", file=sys.stderr, flush=True)


def _refusal(dataset: str, stops: Sequence[Finding], page: Path) -> str:
    words = " ".join(f"{stop.title}. {stop.cure}" for stop in stops)
    return f"datasets.{dataset}: {words} All findings, with pictures: {page}"
