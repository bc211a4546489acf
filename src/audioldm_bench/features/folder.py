"""The features of a folder's clips: each is decoded once for all backbones, and embedded once.

Rows are found by the contents of a sound file, the weights and the form of the audio. Those that a
killed run has made, or an earlier run on a folder that was changed since, are used again, and the
bits of a file do not tell: batches have one shape (batches.py), so that a clip's row does not
depend on the others. Only another device or number of threads in between can show, by rounding.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from audioldm_bench import __version__, audio
from audioldm_bench.errors import UserError
from audioldm_bench.features.base import Backbone
from audioldm_bench.features.batches import BATCH, Batches
from audioldm_bench.features.clips import prepare_clip, read_folder
from audioldm_bench.features.registry import load_backbone
from audioldm_bench.features.rows import Rows
from audioldm_bench.files import file_sha256, folder_sha256, write_atomically
from audioldm_bench.progress import Progress
from audioldm_bench.resume import fingerprint, resume_state
from audioldm_bench.stages import VERSIONS
from audioldm_bench.store import Part, write_store

_SLICE = 64  # rows that are copied at once; it decides a file's layout


@dataclass(frozen=True)
class Form:
    """How clips are heard, in s; without a nominal duration each at its own length."""

    nominal_duration: float | None
    minimum_duration: float

    @property
    def batch(self) -> int:
        """Clips of their own lengths do not stack; in Cnn14 this takes 15 % more time."""
        return 1 if self.nominal_duration is None else BATCH


class FolderFeatures:
    """The features of a folder's clips: rows in `state`, in a sub-folder for each backbone."""

    def __init__(self, folder: Path, weights: Mapping[str, Path], form: Form, state: Path):
        self.folder, self.clips, self.form = folder, read_folder(folder), form
        self.weights, self.state = weights, Path(state)
        self.sha256 = {name: _weights_sha256(Path(path)) for name, path in weights.items()}
        self.versions = versions()
        self.places = {name: self.state / self._place(name) for name in sorted(weights)}
        self.rows: dict[str, Rows] = {}
        self.rejected: dict[str, str] = {}  # by sha256

    def _place(self, name: str) -> str:
        """Names what decides a row, but the sound file."""
        rest = {"stage": VERSIONS["features"], "versions": self.versions}
        return f"{name}-{fingerprint(weights=self.sha256[name], **rest, **asdict(self.form))[:16]}"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Waits for another process that is at work in `state`, then opens the rows."""
        with resume_state(self.state / ".working", "features"):
            self.rows = {name: Rows(place) for name, place in self.places.items()}
            yield

    def embed(self, *, clips_per_part: int, progress_every: float) -> None:
        """Adds the rows that are not there; each part is kept before the next is begun."""
        paths = self._paths()
        lacking = [d for d in paths if any(d not in rows for rows in self.rows.values())]
        progress = Progress("features", len(self.clips.files), every=progress_every)
        done = len(self.clips.files) - len(lacking)
        if done and lacking:
            print(f"[{progress.label}] continues: {done} clips are there", file=sys.stderr)
        backbones = [load_backbone(n, self.weights[n]) for n in self.rows] if lacking else []
        size = -(-clips_per_part // BATCH) * BATCH
        for first in range(0, len(lacking), size):
            part = lacking[first : first + size]
            self._embed_part({digest: paths[digest] for digest in part}, backbones)
            progress.update(done + first + len(part))

    def _paths(self) -> dict[str, Path]:
        """A file of each content, in the order of the clips."""
        paths: dict[str, Path] = {}
        for clip_id, digest in self.clips.sha256.items():
            paths.setdefault(digest, self.clips.files[clip_id])
        return paths

    def _embed_part(self, paths: Mapping[str, Path], backbones: list[Backbone]) -> None:
        batches = [Batches(backbone, self.form.batch) for backbone in backbones]
        for digest, path in paths.items():
            wanting = [b for b in batches if digest not in self.rows[b.backbone.name]]
            rates = {batch.backbone.sample_rate for batch in wanting}
            try:
                heard = prepare_clip(path, rates, **asdict(self.form))
            except audio.AudioError as error:
                self.rejected[digest] = str(error)
                continue
            for batch in wanting:
                batch.add(digest, heard[batch.backbone.sample_rate])
        for batch in batches:
            self.rows[batch.backbone.name].add(batch.finish())

    def write(self, name: str, path: Path) -> None:
        """The store of one backbone. UserError if it would be empty."""
        rows, ids = self.rows[name], list(self.clips.files)
        reasons = self._reasons(rows)
        if len(reasons) == len(ids):
            worst = next(iter(reasons))
            raise UserError(
                f"{self.folder}: none of {len(ids)} clips can be used ({worst}: {reasons[worst]})"
            )
        slices = (ids[i : i + _SLICE] for i in range(0, len(ids), _SLICE))
        attrs = {
            "backbone": name,
            "weights_sha256": self.sha256[name],
            "clip_list_sha256": self.clips.list_sha256,
            "versions": self.versions | {"audioldm-bench": __version__},
            "remarks": {"silent": [i for i in ids if self.clips.sha256.get(i) in rows.silent]},
        }
        write_store(path, (self._part(s, rows, reasons) for s in slices), attrs | asdict(self.form))

    def _reasons(self, rows: Rows) -> dict[str, str]:
        """Why clips have no row."""
        known = self.rejected | rows.rejected
        lacking = {i: known[d] for i, d in self.clips.sha256.items() if d not in rows}
        return self.clips.unreadable | lacking

    def _part(self, ids: list[str], rows: Rows, reasons: Mapping[str, str]) -> Part:
        kept = [clip_id for clip_id in ids if clip_id not in reasons]
        part = rows.part(kept, [self.clips.sha256[clip_id] for clip_id in kept])
        part.rejected = {clip_id: reasons[clip_id] for clip_id in ids if clip_id in reasons}
        return part

    def keep_only(self, outputs: Mapping[str, Path]) -> None:
        """Of all rows in `state` those of the finished `outputs`, as links where links can be."""
        for place in self.state.iterdir():
            if place.is_dir() and place.name != ".working" and place not in self.places.values():
                shutil.rmtree(place)
        for name, path in outputs.items():
            for old in self.places[name].iterdir():
                old.unlink()
            with write_atomically(self.places[name] / "last.h5") as draft:
                try:
                    os.link(path, draft)
                except OSError:
                    shutil.copyfile(path, draft)


def versions() -> dict[str, str]:
    """Of what decides the last bits of a row."""
    import soundfile

    libraries = {name: metadata.version(name) for name in ("numpy", "torch", "soundfile")}
    return libraries | {"libsndfile": soundfile.__libsndfile_version__}


def _weights_sha256(path: Path) -> str:
    """Of a weights file, or of all files of a model folder; without torch (weights.py has it)."""
    if not path.exists():
        raise UserError(f"{path}: no such weights; run the rule that makes them, or mend the path")
    return folder_sha256(path) if path.is_dir() else file_sha256(path)
