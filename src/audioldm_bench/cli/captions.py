"""Captions of clips from a csv, and their CLAP embeddings."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from audioldm_bench.errors import UserError

CLIP_COLUMNS = ("clip_id", "file", "file_name", "filename", "audio", "name", "id")
CAPTION_COLUMNS = ("caption", "text", "prompt")
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


def read_captions(path: Path) -> dict[str, str]:
    """Caption by clip id, from a csv with a column of clips and one of captions.

    A clip may be written as a path, with its ending or without. UserError names what is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"--captions {path}: there is no such file")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            clip = _column(path, reader.fieldnames, CLIP_COLUMNS, "clips")
            caption = _column(path, reader.fieldnames, CAPTION_COLUMNS, "captions")
            rows = [(row[clip], row[caption]) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"--captions {path}: not a csv in UTF-8 ({error})") from None
    found: dict[str, str] = {}
    for number, (name, text) in enumerate(rows, start=2):
        clip_id = _clip_id(name or "")
        if not clip_id or not (text or "").strip():
            raise UserError(f"--captions {path}, row {number}: clip or caption is empty")
        if found.get(clip_id, text) != text:
            raise UserError(
                f"--captions {path}, row {number}: clip {clip_id} has two captions; keep one"
            )
        found[clip_id] = text
    return found


def _column(path: Path, there: list[str] | None, wanted: tuple[str, ...], of: str) -> str:
    for name in there or ():
        if name and name.strip().lower() in wanted:
            return name
    seen = ", ".join(filter(None, there or ())) or "none"
    raise UserError(
        f"--captions {path}: no column of {of}; name one {' or '.join(wanted)} (columns: {seen})"
    )


def _clip_id(name: str) -> str:
    """A file's name without folders and without the ending of a sound file."""
    last = PurePosixPath(name.strip().replace("\\", "/")).name
    return last[: -len(Path(last).suffix)] if Path(last).suffix.lower() in _SUFFIXES else last


def text_store(captions: Mapping[str, str], clap: Path, cache: Path) -> Path:
    """The store of the captions' embeddings by the CLAP folder `clap`: rows "embedding" (P,).

    It is kept in `cache`/text, by captions and weights. attrs: weights_sha256, captions.
    """
    from audioldm_bench.features.weights import weights_sha256
    from audioldm_bench.store import Part, build_store

    weights = weights_sha256(clap)
    key = hashlib.sha256(json.dumps([weights, sorted(captions.items())]).encode()).hexdigest()
    path = cache / "text" / f"{key[:32]}.h5"
    if path.is_file():
        return path
    from audioldm_bench.clap import load_clap

    model = load_clap(clap)

    def compute(ids: list[str]) -> Part:
        return Part(ids, {"embedding": model.embed_text([captions[i] for i in ids])})

    state = {"state": cache / "state" / f"text-{key[:32]}", "fingerprint": key}
    build_store(path, sorted(captions), compute, attrs={"weights_sha256": weights}, **state)
    return path
