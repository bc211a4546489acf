"""Fetches the sound of AudioCaps and AudioSet clips with the command yt-dlp, politely.

Clips vanish from YouTube: one that cannot be had goes to a list, with yt-dlp's reason, and the run
goes on. A run that was killed goes on where it stopped; clips that are gone for good are not asked
for again.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from audioldm_bench.datasets.layout import sound_files
from audioldm_bench.datasets.manifest import write_missing
from audioldm_bench.datasets.youtube_clips import Segment
from audioldm_bench.errors import UserError
from audioldm_bench.files import move_whole
from audioldm_bench.progress import Progress
from audioldm_bench.resume import resume_state

COMMAND = "yt-dlp"
_GONE = (
    "video unavailable",
    "video is unavailable",
    "video is not available",
    "video is no longer available",
    "video is private",
    "private video",
    "has been removed",
    "has been terminated",
    "in your country",
)
_ACCOUNT = "confirm your age"  # with an account's cookies there is hope
_NOT_GONE = ("try again later", "rate-limited")  # YouTube says "unavailable" to those it blocks
_BLOCKED_AFTER = 10  # clips in a row that fail without being gone: we are blocked, or offline


@dataclass
class _Run:
    """The state that the workers share."""

    audio_folder: Path
    journal: Path
    wanted: int
    retries: int
    pause: float
    timeout: float
    cookies: Path | None
    failed: dict[str, str] = field(default_factory=dict)
    in_a_row: int = 0
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)


def fetch_clips(
    rows: Sequence[Segment],
    audio_folder: Path,
    missing_path: Path,
    *,
    state: Path,
    jobs: int,
    retries: int,
    pause: float,
    timeout: float,
    cookies: Path | str | None = None,
    progress_every: float = 30.0,
) -> dict[str, int]:
    """Fetches each segment to `audio_folder`/Y<id>.flac and lists in `missing_path` what failed.

    `jobs` clips at once, each followed by `pause` s of rest; `timeout` s a try, `retries` more
    tries a clip, the first after twice the pause, each further one after twice as long. `cookies`:
    a cookies.txt of an account. Clips that are there are skipped. Returns the numbers of clips
    fetched and missing. UserError when yt-dlp or ffmpeg is not on PATH, when there is no cookies
    file, or when YouTube seems to block this machine.
    """
    for command in (COMMAND, "ffmpeg"):
        if shutil.which(command) is None:
            raise UserError(
                f"{command} is not on PATH and is needed to fetch sound from YouTube; install it"
                " (conda install -c conda-forge yt-dlp ffmpeg), or set the dataset's `folder`"
            )
    cookies = Path(cookies) if cookies else None
    if cookies and not cookies.is_file():
        raise UserError(f"runtime.youtube.cookies: {cookies} is not there; correct it, or set null")
    audio_folder = Path(audio_folder)
    audio_folder.mkdir(parents=True, exist_ok=True)
    there = sound_files(audio_folder, audio_folder)
    absent = [row for row in rows if not {row.clip_id, row.youtube_id} & set(there)]
    with resume_state(Path(state), "fetch-1") as folder:
        journal = folder / "failed.jsonl"
        gone = {name: why for name, why in _journal(journal).items() if _is_gone(why, cookies)}
        wanted = [row for row in absent if row.clip_id not in gone]
        run = _Run(audio_folder, journal, len(wanted), retries, pause, timeout, cookies)
        run.failed = {row.clip_id: gone[row.clip_id] for row in absent if row.clip_id in gone}
        _fetch_all(run, wanted, jobs, progress_every)
        names = sorted(run.failed)
        write_missing(missing_path, [(n, f"audio/{n}.flac", "", run.failed[n]) for n in names])
    return {"fetched": len(wanted) - sum(r.clip_id in run.failed for r in wanted),
            "missing": len(names)}  # fmt: skip


def _is_gone(reason: str, cookies: Path | None = None) -> bool:
    """Whether the clip itself is the reason, so that no other try will help."""
    text = reason.lower()
    if _ACCOUNT in text:
        return cookies is None
    return any(words in text for words in _GONE) and not any(w in text for w in _NOT_GONE)


def _journal(path: Path) -> dict[str, str]:
    """Reasons by clip id; a line cut short by a kill is no entry."""
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            name, reason = json.loads(line)
        except ValueError:
            continue
        found[name] = reason
    return found


def _fetch_all(run: _Run, rows: Sequence[Segment], jobs: int, progress_every: float) -> None:
    progress = Progress("fetch", len(rows), every=progress_every)

    def work(row: Segment) -> None:
        if run.stop.is_set():
            return
        reason = _fetch(run, row)
        with run.lock:
            run.done += 1
            _note(run, row, reason)
            progress.update(run.done, missing=len(run.failed))
        if run.done < run.wanted:
            run.stop.wait(run.pause)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            for future in [pool.submit(work, row) for row in rows]:
                future.result()
        finally:
            run.stop.set()
    if run.in_a_row >= _BLOCKED_AFTER:
        raise UserError(
            f"{run.in_a_row} clips in a row could not be fetched; the last reason:"
            f" {list(run.failed.values())[-1]}. YouTube may be blocking this machine, or the"
            " network is down. Wait some hours, raise runtime.youtube.pause, or update yt-dlp, and"
            " run again: it continues"
        )


def _note(run: _Run, row: Segment, reason: str) -> None:
    """Keeps the outcome of one clip; blank reason: it is there."""
    if not reason or _is_gone(reason, run.cookies):
        run.in_a_row = 0
    else:
        run.in_a_row += 1
    if reason:
        run.failed[row.clip_id] = reason
        with open(run.journal, "a", encoding="utf-8") as file:
            file.write(json.dumps([row.clip_id, reason]) + "\n")
    if run.in_a_row >= _BLOCKED_AFTER:
        run.stop.set()


def _fetch(run: _Run, row: Segment) -> str:
    """Fetches one clip; returns the reason why it is not there, or a blank."""
    work = run.journal.parent / row.clip_id
    reason = ""
    for attempt in range(run.retries + 1):
        if attempt and run.stop.wait(run.pause * 2**attempt):
            break
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        try:
            reason = _call(run, row, work)
            if not reason:
                made = work / f"{row.clip_id}.flac"
                move_whole(made, run.audio_folder / made.name)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if not reason or _is_gone(reason, run.cookies) or run.stop.is_set():
            break
    return reason


def _cookies(run: _Run, work: Path) -> list[str]:
    """yt-dlp writes to the file it is given: each call gets a copy, readable by its owner alone."""
    if run.cookies is None:
        return []
    copy = work / "cookies.txt"
    copy.touch(mode=0o600)
    shutil.copyfile(run.cookies, copy)
    return ["--cookies", os.fspath(copy)]


def _call(run: _Run, row: Segment, work: Path) -> str:
    """One call of yt-dlp; flac keeps the samples at half the size of wav."""
    command = [
        COMMAND, "--no-playlist", "--no-progress", "--quiet", "--no-warnings",
        "--format", "bestaudio/best", "--extract-audio", "--audio-format", "flac",
        "--download-sections", f"*{row.start:g}-{row.end:g}", "--force-keyframes-at-cuts",
        "--output", os.fspath(work / f"{row.clip_id}.%(ext)s"),
        *_cookies(run, work), f"https://www.youtube.com/watch?v={row.youtube_id}",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=run.timeout,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no end after {run.timeout:g} s"
    made = work / f"{row.clip_id}.flac"
    if done.returncode == 0 and made.is_file() and made.stat().st_size:
        return ""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    return errors[-1] if errors else f"yt-dlp ended with {done.returncode} and made no sound"
