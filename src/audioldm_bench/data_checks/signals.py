"""Findings that are heard: silence, clipping, length, and what the files' headers say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from .findings import NOTE, WARNING, Data, Finding, be, many
from .measure import FULL_SCALE, decibel

QUIET = -60.0  # dB of full scale, peak: below it a 16-bit file has 5 bits of sound left [ours]
CLIPPED = 0.001  # share of samples at full scale [ours]
MOSTLY_SILENT = 0.1  # share of the clip that sounds [ours]
TOO_SHORT = 0.5  # of nominal_duration [ours]
TOLERANCE = 0.02  # s: a length that is met but for rounding
MUCH_LOST = 0.1  # share of a dataset's time that cutting takes [ours]


def signal_findings(data: Data) -> Iterator[Finding]:
    yield from _silent(data)
    yield from _clipped(data)
    yield from _mostly_silent(data)
    yield from _short(data)
    yield from _long(data)
    yield from _rates(data)
    yield from _channels(data)


def _rejected(data: Data, begins: str) -> list[dict]:
    chosen = sorted(i for i, reason in data.rejected.items() if reason.startswith(begins))
    return [data.said(i, f"{data.rejected[i]}; left out") for i in chosen if i in data.by_id]


def quiet_clips(data: Data) -> np.ndarray:
    """(N,) of bool: nearly silent."""
    return decibel(data.measures.peak) < QUIET


def _silent(data: Data) -> Iterator[Finding]:
    clips = _rejected(data, "silent")
    for clip_id in data.where(quiet_clips(data)):
        peak = float(decibel(data.measures.peak[data.row[clip_id]]))
        clips.append(data.said(clip_id, f"peak {peak:.0f} dB of full scale"))
    if clips:
        yield Finding(
            WARNING,
            "silent",
            f"{many(len(clips), 'clip')} {be(len(clips))} silent, or nearly",
            "Training brings every clip to one level, so of a nearly silent one the model learns"
            " amplified noise. Take these rows out of the table, or record them again.",
            clips,
        )


def _clipped(data: Data) -> Iterator[Finding]:
    share = data.measures.clipped
    chosen = sorted(data.where(share > CLIPPED), key=lambda i: -share[data.row[i]])
    if chosen:
        yield Finding(
            WARNING if len(chosen) > 0.1 * len(share) else NOTE,
            "clipped",
            f"{many(len(chosen), 'clip')} {be(len(chosen))} clipped",
            f"More than {100 * CLIPPED:g} % of the samples are at full scale"
            f" ({FULL_SCALE:g} and above), which is heard as distortion and will be learnt."
            " Lower the level before the recording or the export, or take them out.",
            [data.said(i, f"{100 * share[data.row[i]]:.1f} % at full scale") for i in chosen],
        )


def _mostly_silent(data: Data) -> Iterator[Finding]:
    share = data.measures.sounding
    chosen = sorted(data.where(share < MOSTLY_SILENT), key=lambda i: share[data.row[i]])
    if chosen:
        yield Finding(
            NOTE,
            "mostly-silent",
            f"{many(len(chosen), 'clip')} {be(len(chosen))} mostly silence",
            f"Less than {100 * MOSTLY_SILENT:g} % of the clip is within 60 dB of its loudest"
            " moment. Short sounds are like that; otherwise trim the silence.",
            [data.said(i, f"{100 * share[data.row[i]]:.0f} % sounds") for i in chosen],
        )


def _short(data: Data) -> Iterator[Finding]:
    nominal, seconds = data.settings.nominal_duration, data.measures.seconds
    clips = _rejected(data, "shorter") + _rejected(data, "empty")
    below = data.where(seconds < TOO_SHORT * nominal - TOLERANCE)
    below.sort(key=lambda i: seconds[data.row[i]])
    clips += [data.said(i, f"{seconds[data.row[i]]:.2f} s") for i in below]
    if clips:
        yield Finding(
            WARNING,
            "short",
            f"{many(len(clips), 'clip')} {be(len(clips))} shorter than half of"
            f" nominal_duration ({nominal:g} s)",
            "What lacks is padded with silence, and the model learns to fall silent. Lower"
            f" datasets.{data.settings.dataset}.nominal_duration and generated_duration, or join"
            " short pieces to longer ones.",
            clips,
        )
    between = data.where((seconds < nominal - TOLERANCE) & (seconds >= TOO_SHORT * nominal))
    if between:
        yield Finding(
            NOTE,
            "padded",
            f"{many(len(between), 'clip')} {be(len(between))} a little shorter than"
            f" nominal_duration ({nominal:g} s)",
            "What lacks is padded with silence. Nothing to do if few, or if the sounds end there.",
            [data.said(i, f"{seconds[data.row[i]]:.2f} s") for i in between],
        )


def _long(data: Data) -> Iterator[Finding]:
    longest = data.settings.duration
    lost = {
        clip_id: header.seconds - longest
        for clip_id, header in data.headers.items()
        if clip_id in data.by_id and header.seconds > longest + TOLERANCE
    }
    if not lost:
        return
    whole = sum(header.seconds for header in data.headers.values())
    share = sum(lost.values()) / whole
    chosen = sorted(lost, key=lambda i: (-lost[i], i))
    yield Finding(
        WARNING if share > MUCH_LOST else NOTE,
        "long",
        f"{many(len(lost), 'clip')} {be(len(lost))} longer than audio.duration ({longest:g} s):"
        f" {100 * share:.1f} % of all sound is cut off",
        "Of a longer clip one piece is used, drawn by the seed, and the rest is lost. The caption"
        " may speak of what was cut. Cut the files into pieces of that length, each with its"
        " caption, and name the recording in the table's column `group`.",
        [data.said(i, f"{lost[i]:.2f} s lost") for i in chosen],
    )


def _rates(data: Data) -> Iterator[Finding]:
    target = data.settings.sample_rate
    low = sorted(i for i, h in data.headers.items() if h.rate < target and i in data.by_id)
    if low:
        yield Finding(
            WARNING,
            "low-rate",
            f"{many(len(low), 'clip')} {be(len(low))} recorded at less than {target:,} Hz",
            "There is nothing above half of a file's rate, and the model learns dull sounds."
            " Use the original recordings if there are any.",
            [data.said(i, f"{data.headers[i].rate:,} Hz") for i in low],
        )
    rates = Counter(header.rate for header in data.headers.values())
    if len(rates) > 1:
        words = ", ".join(f"{many(n, 'clip')} of {rate:,} Hz" for rate, n in rates.most_common())
        yield Finding(
            NOTE,
            "mixed-rates",
            f"The files have {len(rates)} sample rates: {words}",
            f"All are resampled to {target:,} Hz; nothing to do.",
        )


def _channels(data: Data) -> Iterator[Finding]:
    several = sorted(i for i, h in data.headers.items() if h.channels > 1 and i in data.by_id)
    if several:
        yield Finding(
            NOTE,
            "channels",
            f"{many(len(several), 'clip')} {'has' if len(several) == 1 else 'have'} more than one"
            " channel: the first is used",
            "If the sound is in another channel, mix the files to mono first.",
            [data.said(i, f"{data.headers[i].channels} channels") for i in several],
        )
