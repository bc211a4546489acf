"""The weights of backbones: given by path, found in the cache, or downloaded into it once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from audioldm_bench.cli.published import PUBLISHED, Published
from audioldm_bench.errors import UserError
from audioldm_bench.files import file_sha256

CACHE = "AUDIOLDM_BENCH_CACHE"  # environment variable: the cache folder
RETRIES = 2  # of a download: someone waits at the terminal
_TRAINED = ("config.json", "model.safetensors")  # in the folder of a trained backbone


def default_cache() -> Path:
    """$AUDIOLDM_BENCH_CACHE, else audioldm-bench in the user's cache folder."""
    if os.environ.get(CACHE):
        return Path(os.environ[CACHE])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "audioldm-bench"


def find_weights(
    backbones: Iterable[str], given: Mapping[str, Path], cache: Path, *, offline: bool = False
) -> dict[str, Path]:
    """The weights of each of `backbones`: `given`, or published ones in `cache`/weights.

    What is not there is downloaded, unless `offline`. UserError with url, sha256 and place of all
    that cannot be had.
    """
    wanted = sorted(backbones)
    found = {name: _given(name, Path(given[name])) for name in wanted if name in given}
    faults: list[str] = []
    for name in wanted:
        if name not in given:
            try:
                found[name] = _cached(name, cache, offline or bool(faults))
            except UserError as error:  # the others are not tried, but named
                faults.append(str(error))
    if faults:
        raise UserError("\n".join(faults))
    return found


def _given(name: str, path: Path) -> Path:
    """UserError if `path` holds no such weights; no advice to delete it, for it is the user's."""
    option = f"--backbone-weights {name}={path}"
    if not path.exists():
        raise UserError(f"{option}: there is no such file or folder")
    if name in PUBLISHED:
        if path.is_dir():
            raise UserError(f"{option}: is a folder; name the file that holds the weights")
        return path
    lacking = [part for part in _TRAINED if not (path / part).is_file()]
    if lacking:
        raise UserError(
            f"{option}: no {lacking[0]} there; name the folder of a trained one, such as "
            f"results/<study>/models/{name}"
        )
    return path


def _cached(name: str, cache: Path, offline: bool) -> Path:
    from audioldm_bench.download_ledger import recorded_sha256
    from audioldm_bench.downloads import download, file_name, tell_licence

    if name not in PUBLISHED:
        raise UserError(
            f"backbone {name} has no published weights; name the folder of a trained one: "
            f"--backbone-weights {name}=FOLDER"
        )
    entry = PUBLISHED[name]
    path, lock = cache / "weights" / file_name(entry.url), cache / "checksums.json"
    known = entry.sha256 or recorded_sha256(lock, entry.url)
    if path.is_file() and known in (None, file_sha256(path)):
        return path
    if offline:
        state = "are not in the cache" if not path.exists() else f"are not what {path} holds"
        raise UserError(f"backbone {name}: its weights {state}. {_cure(name, path)}")
    tell_licence(name, entry.licence)
    place = {"lock": lock, "state": cache / "state" / f"download-{name}", "retries": RETRIES}
    try:
        download(entry.url, path, sha256=entry.sha256, **place)
    except UserError as error:
        raise UserError(f"backbone {name}: {error}. {_cure(name, path)}") from None
    return path


def _cure(name: str, path: Path) -> str:
    """How to go on without a network."""
    entry: Published = PUBLISHED[name]
    known = f" (sha256 {entry.sha256})" if entry.sha256 else ""
    return (
        f"Without a network: fetch {entry.url}{known} elsewhere and put it at {path}, or name the "
        f"file by --backbone-weights {name}=PATH, or choose other metrics by --metrics"
    )
