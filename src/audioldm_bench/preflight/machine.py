"""What else a study needs of the machine: commands, sound formats, memory, threads, lists."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ..config_rules import used_datasets
from ..datasets.lists import read_list
from ..errors import UserError
from .results import Result, ok, problem, size, warning

FORMATS = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS"}
_CGROUP = Path("/sys/fs/cgroup/memory.max")  # what a container or a cluster's job may use


def check_commands(
    config: Mapping, base: Path, which: Callable[[str], str | None] = shutil.which
) -> list[Result]:
    """yt-dlp and ffmpeg, where clips are still to be fetched from YouTube."""
    wanting = [
        name
        for name in used_datasets(dict(config))
        if config["datasets"][name]["adapter"] in ("audiocaps", "audioset")
        and config["datasets"][name]["source"] == "download"
        and not (base / "resources/datasets" / name / "missing.csv").is_file()
    ]
    if not wanting:
        return [ok("commands", "no clips are to be fetched from YouTube")]
    keys = " and ".join(f"datasets.{name}.source" for name in wanting)
    return [
        ok("commands", f"{command}: {which(command)}")
        if which(command)
        else problem(
            "commands",
            f"{command} is not on PATH",
            f"conda install -c conda-forge yt-dlp ffmpeg, or set {keys} to folder",
        )
        for command in ("yt-dlp", "ffmpeg")
    ]


def check_lists(config: Mapping, base: Path) -> list[Result]:
    """Evaluation lists that are there can be read; the others are downloads."""
    results = []
    for name in used_datasets(dict(config)):
        chosen = config["datasets"][name]["evaluation_list"]
        if not chosen or not (base / chosen).is_file():
            continue
        try:
            count = len(read_list(base / chosen))
        except UserError as error:
            cure = f"delete it, or correct datasets.{name}.evaluation_list"
            results.append(problem("lists", str(error), cure))
        else:
            results.append(ok("lists", f"{chosen}: {count:,} clips"))
    return results


def check_formats() -> list[Result]:
    """libsndfile writes and reads what datasets come in and systems go out in."""
    import numpy as np
    import soundfile

    sound, bad = np.sin(np.arange(16_000) * 0.05).astype(np.float32) * 0.5, []
    with tempfile.TemporaryDirectory() as folder:
        for kind, subtype in FORMATS.items():
            path = Path(folder, f"a.{kind}")
            try:
                soundfile.write(path, sound, 16_000, subtype=subtype)
                heard, _ = soundfile.read(path, dtype="float32")
            except (RuntimeError, OSError, ValueError) as error:
                bad.append(f"{kind} ({error})")
                continue
            if len(heard) != len(sound) or np.abs(heard - sound).mean() > 0.02:
                bad.append(f"{kind} (other samples come back)")
    version = soundfile.__libsndfile_version__
    if bad:
        found = f"libsndfile {version} fails on {', '.join(bad)}"
        return [problem("formats", found, "install soundfile anew: its wheels bring libsndfile")]
    return [ok("formats", f"libsndfile {version} writes and reads {', '.join(FORMATS)}")]


def memory() -> int:
    """Bytes of RAM that this process may use."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _CGROUP.read_text().strip() if _CGROUP.is_file() else "max"
    return min(whole, int(limit)) if limit.isdigit() else whole


def check_memory(largest: int, rule: str, total: int) -> Result:
    """RAM against the most that a rule asks for (MB); rules ask for more than they use."""
    finding = f"{size(total)} of RAM; the most that a rule asks for is {largest:,} MB ({rule})"
    if total < largest * 1e6:
        cure = f"run on a machine with more, or watch {rule}: it may be killed for memory"
        return warning("memory", finding, cure)
    return ok("memory", finding)


def check_threads(wanted: int, there: int) -> Result:
    """runtime.threads against the cores that this process may use."""
    if there < wanted:
        finding = f"runtime.threads is {wanted}, {there} cores are there"
        return warning("threads", finding, f"set runtime.threads to {there}")
    return ok("threads", f"{there} cores, runtime.threads {wanted}")


def cores() -> int:
    """CPU cores that this process may use."""
    scheduled = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(scheduled(0)) if scheduled else os.cpu_count() or 1


def check_offline(environment: Mapping[str, str] = os.environ) -> Result:
    """Jobs must not ask the hub for what they have on disk: offline that hangs, online it may
    bring another version."""
    if environment.get("HF_HUB_OFFLINE") == "1":
        return ok("hub", "jobs read models from disk alone (HF_HUB_OFFLINE=1)")
    return problem("hub", "HF_HUB_OFFLINE is not 1 in a job", "do not unset it in a job's script")
