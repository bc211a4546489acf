"""The page of a dataset's checks: findings worst first, with pictures of the clips."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .. import report
from ..datasets.manifest import SPLITS
from ..files import write_atomically
from ..labels import dataset_label
from ..report.pictures import mel_picture
from ..store import Store
from ..templates import templates
from .charts import bars
from .findings import NOTE, SEVERITIES, SPLIT_NAMES, STOP, WARNING, many

_HERE = Path(__file__).parent
PICTURED = 12  # clips or pairs of a finding that are shown with pictures
LISTED = 200  # clips or pairs of a finding that are listed; checks.json has all
_SEEN = {"silent", "clipped", "mostly-silent", "short", "long"}  # where a picture tells something
_SEVERITY_NAMES = {STOP: "Stops the study", WARNING: "Warning", NOTE: "Note"}


def write_page(path: Path, record: Mapping, store: Store, mel: dict) -> None:
    """One file that needs no other and no network; `record` is what checks.json holds."""
    environment = templates(_HERE, markup=True)
    environment.filters["code"] = _code
    style = (Path(report.__file__).parent / "style.css").read_text(encoding="utf-8")
    style += (_HERE / "page.css").read_text(encoding="utf-8")
    pictures = _Pictures(store, mel)
    text = environment.get_template("page.html.j2").render(
        style=style,
        name=dataset_label(record["dataset"]),
        findings=[_shown(finding, pictures) for finding in record["findings"]],
        counts=_counts(record),
        splits=[split for split in SPLITS if record["clips"][split]["named"]],
        split_names=SPLIT_NAMES,
        clips=record["clips"],
        hours=_hours(record["seconds"]),
        classes=_classes(record["classes"]),
        durations=bars(record["durations"], "Lengths of the clips as they are used, in s", "s"),
        levels=bars(record["levels"], "Peak levels, in dB of full scale", "dB"),
        sample_rates=record["sample_rates"],
        channels=record["channels"],
        searches=record["searches"],
    )
    with write_atomically(Path(path)) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


class _Pictures:
    """Spectrograms by clip, each drawn once."""

    def __init__(self, store: Store, mel: dict):
        self._store, self._mel, self._drawn = store, mel, {}

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._store

    def __call__(self, clip_id: str) -> str:
        """A data URI; empty for a clip without a waveform."""
        if clip_id not in self._drawn:
            self._drawn[clip_id] = self._draw(clip_id) if clip_id in self else ""
        return self._drawn[clip_id]

    def _draw(self, clip_id: str) -> str:
        samples = self._store.get("waveform", clip_id)
        return mel_picture(samples, self._store.attrs["sample_rate"], self._mel)


def _shown(finding: Mapping, pictures: _Pictures) -> dict:
    clips, pairs = finding["clips"][:LISTED], finding["pairs"][:LISTED]
    seen = [clip for clip in clips if clip["clip_id"] in pictures]
    seen = seen[:PICTURED] if finding["kind"] in _SEEN else []
    return {
        **finding,
        "name": _SEVERITY_NAMES[finding["severity"]],
        "clips": clips,
        "pairs": pairs,
        "more": len(finding["clips"]) + len(finding["pairs"]) - len(clips) - len(pairs),
        "pictures": [{**clip, "picture": pictures(clip["clip_id"])} for clip in seen],
        "pictured_pairs": [
            {
                "alike": pair["alike"],
                "sides": [
                    {**side, "picture": pictures(side["clip_id"])}
                    for side in (pair["one"], pair["other"])
                ],
            }
            for pair in pairs[:PICTURED]
        ],
    }


def _code(text: str):
    """Escaped, with what stands between backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _counts(record: Mapping) -> list[str]:
    """How many findings there are of each severity that occurs, worst first."""
    severities = [finding["severity"] for finding in record["findings"]]
    words = {STOP: "stopping the study", WARNING: "warning", NOTE: "note"}
    counted = [(severities.count(severity), words[severity]) for severity in SEVERITIES]
    return [
        f"{number} {word}" if word.startswith("stop") else many(number, word)
        for number, word in counted
        if number
    ]


def _classes(counts: Mapping[str, Mapping[str, int]]) -> list[dict]:
    """Largest first; the widths of a row's bars are in % of the largest class."""
    largest = max((sum(own.values()) for own in counts.values()), default=1) or 1
    rows = [
        {"name": name, "total": sum(own.values()), "own": own}
        | {"widths": [(split, round(100 * own[split] / largest, 2)) for split in SPLITS]}
        for name, own in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row["total"], row["name"]))


def _hours(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
