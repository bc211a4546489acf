"""How the entries of `models.published.checkpoints` agree with themselves and with the disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .config_rules import at, one_of
from .hub import clap_files, model_files
from .published import CLAP_KINDS, KINDS, LOCAL, kind

_KEY = "models.published.checkpoints"
_NEEDS = {  # kind: what belongs to it
    "url": ("sha256", "licence"),
    "repository": ("revision", "weights", "licence"),
}
_TAKES = {**_NEEDS, "repository": (*_NEEDS["repository"], "checksums")}
_SCHEDULE = {  # of the published models [code]
    "timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
}


def broken_checkpoints(config: dict, base: Path) -> Iterator[str]:
    """A sentence for each rule that a checkpoint's entry breaks; relative paths from `base`.

    Paths must be there for the checkpoint that the study uses.
    """
    checkpoints = at(config, "models", "published", "checkpoints")
    published = at(config, "models", "source", kind=str) == "published"
    used = at(config, "models", "published", "checkpoint", kind=str) if published else ""
    for name in checkpoints:
        yield from _checkpoint(name, checkpoints, base if name == used else None)
    if published:
        yield from _schedule(at(config, "diffusion"))


def _checkpoint(name: str, checkpoints: dict, base: Path | None) -> Iterator[str]:
    """An entry and its CLAP; `base` None: paths are not looked at."""
    key, entry = f"{_KEY}.{name}", at(checkpoints, name)
    yield from _entry(key, entry, KINDS, base)
    clap, its_kind = at(entry, "clap"), kind(entry)
    if its_kind in ("repository", "folder") and not clap:
        yield (
            f"`{key}.clap` is missing: a diffusers folder has no audio tower of CLAP; name "
            f"where it is, by one of {', '.join(CLAP_KINDS)}."
        )
    elif clap and its_kind == "url":
        yield f"`{key}.clap` is not used: an authors' .ckpt has both towers; remove it."
    elif clap and its_kind != "file":
        yield from _entry(f"{key}.clap", clap, CLAP_KINDS, base)
        yield from _clap_checkpoint(f"{key}.clap", clap, checkpoints, base)


def _entry(key: str, entry: dict, kinds: tuple[str, ...], base: Path | None) -> Iterator[str]:
    """One entry names one place, with what belongs to it and nothing else."""
    its_kind = kind(entry, kinds)
    if its_kind is None:
        named = [name for name in kinds if entry.get(name) is not None]
        found = f"names {' and '.join(named)}" if named else "names no place"
        yield f"`{key}` {found}: it must have one of {', '.join(kinds)}; set others to null."
        return
    for name in _NEEDS.get(its_kind, ()):
        if name not in entry:
            yield f"`{key}.{name}` is missing: `{key}.{its_kind}` needs it."
    known = {its_kind, "licence", "clap", *_TAKES.get(its_kind, ())}
    if base is not None:
        yield from _path(key, entry, base)
    if its_kind in LOCAL:
        return  # what else there is belongs to the download that it stands for
    for name in sorted(set(entry) - known):
        if entry[name] is not None and name in {*kinds, *_TAKES["url"], *_TAKES["repository"]}:
            yield f"`{key}.{name}` does not go with `{key}.{its_kind}`: remove it."
    files = clap_files if kinds is CLAP_KINDS else model_files
    for name in at(entry, "checksums"):
        if name not in (read := files(at(entry, "weights", kind=str) or "bin")):
            yield f"`{key}.checksums` has {json.dumps(name)}: {one_of(name, read)}."


def _path(key: str, entry: dict, base: Path) -> Iterator[str]:
    for name, is_there in (("file", Path.is_file), ("folder", Path.is_dir)):
        if (path := at(entry, name, kind=str)) and not is_there(base / path):
            yield (
                f"`{key}.{name}` is {json.dumps(path)}, where there is no {name}: correct the path "
                f"(looked at {base / path})."
            )


def _clap_checkpoint(key: str, clap: dict, checkpoints: dict, base: Path | None) -> Iterator[str]:
    """The entry that has the CLAP of another is an authors' .ckpt, and there if it is a file."""
    if kind(clap, CLAP_KINDS) != "checkpoint":
        return
    name = at(clap, "checkpoint", kind=str)
    both = [n for n in checkpoints if kind(at(checkpoints, n)) in ("url", "file")]
    if name not in both:
        yield (
            f"`{key}.checkpoint` is {json.dumps(name)}: {one_of(name, both)}; these are authors' "
            ".ckpt files, which have both towers."
        )
    elif base is not None:
        yield from _path(f"{_KEY}.{name}", at(checkpoints, name), base)


def _schedule(diffusion: dict) -> Iterator[str]:
    for key, value in _SCHEDULE.items():
        if key in diffusion and diffusion[key] != value:
            yield (
                f"`diffusion.{key}` is {json.dumps(diffusion[key])}, but the published models were "
                f"trained with {value}: set it back, or `models.source` to trained."
            )
