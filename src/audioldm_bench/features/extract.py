"""Feature files of a folder of clips, one a backbone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audioldm_bench.errors import UserError
from audioldm_bench.features.folder import FolderFeatures, Form


def extract_features(
    clips_folder: Path,
    outputs: Mapping[str, Path],
    backbones: Mapping[str, Path],
    *,
    nominal_duration: float | None,
    minimum_duration: float,
    state: Path,
    clips_per_part: int = 64,
    progress_every: float = 30.0,
) -> None:
    """Writes one store a backbone: `outputs` (HDF5 paths) and `backbones` (weights) by name.

    A row of "embedding", and of "logits" if the backbone classifies, for each sound file of
    `clips_folder`, its id being the file's stem. Audio as in audioldm_eval: first channel, minus
    mean, resampled; then cut or padded to `nominal_duration` (None: left as long as it is), and
    padded to `minimum_duration` (s). Clips that cannot be used are in the store's `rejected`, with
    the reason; silent ones are used, and listed in its attribute "remarks".

    `state` keeps a link to the files that were written last: of a folder that has changed since,
    only what is new is embedded.
    """
    if set(outputs) != set(backbones):
        raise UserError(f"features: outputs {sorted(outputs)} but weights {sorted(backbones)}")
    work = FolderFeatures(clips_folder, backbones, Form(nominal_duration, minimum_duration), state)
    with work.alone():
        work.embed(clips_per_part=clips_per_part, progress_every=progress_every)
        for name, path in outputs.items():
            work.write(name, path)
        work.keep_only(outputs)
