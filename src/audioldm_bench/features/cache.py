"""Features of any folder of clips, kept in a cache: nothing is decoded or embedded twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audioldm_bench.features.folder import FolderFeatures, Form


def features_of(
    folder: Path,
    backbones: Mapping[str, Path],
    cache: Path,
    *,
    nominal_duration: float | None = None,
    minimum_duration: float = 2.0,
    clips_per_part: int = 64,
    progress_every: float = 30.0,
) -> dict[str, Path]:
    """The feature files of a folder by backbone, from `cache` or made there.

    `backbones`: weights by name. Durations as in `extract_features`. A folder that was seen before
    is only hashed; of one that was changed, only new or changed clips are decoded and embedded, and
    for a new backbone only this one runs. The cache may be deleted at any time.
    """
    work = FolderFeatures(folder, backbones, Form(nominal_duration, minimum_duration), cache)
    outputs = {n: place / f"{work.clips.list_sha256}.h5" for n, place in work.places.items()}
    if all(path.exists() for path in outputs.values()):
        return outputs
    with work.alone():
        work.embed(clips_per_part=clips_per_part, progress_every=progress_every)
        for name, path in outputs.items():
            work.write(name, path)
            work.rows[name].drop_parts()
    return outputs
