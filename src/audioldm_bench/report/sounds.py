"""Which sounds the report plays, and how they are packed into it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from .. import audio
from ..errors import UserError
from ..files import read_json
from ..labels import RUNS, dataset_label, paper_order, system_label
from ..shown import clips_to_hear
from .pictures import mel_picture
from .results import first_choice, is_bound

Row = Mapping[str, str]


def shown_systems(dataset: str, table2: Sequence[Row], foreign: Iterable[str] = ()) -> list[str]:
    """Real, both baselines, the best checkpoint of each run, and other people's systems, in the
    order of the players."""
    best = {
        ("pretrained" if row["pretrained"] == "yes" else "scratch", row["train_condition"]): row
        for row in first_choice(table2)
        if row["dataset"] == dataset and not is_bound(row)
    }
    runs = [
        f"{init}-{condition}-{int(best[init, condition]['train_steps']):07d}"
        for init, condition in RUNS
        if (init, condition) in best
    ]
    return ["real", "baseline-text", "baseline-audio", *runs, *foreign]


def sound_rows(
    systems: Iterable[tuple[str, str, Path]],
    table2: Sequence[Row],
    *,
    per_dataset: int,
    mel: dict,
    foreign: Mapping[str, str] | None = None,
) -> list[dict]:
    """For each dataset its chosen prompts, and for each of those a player a system.

    `systems`: (dataset, system, folder of <clip_id>.wav with clips.json in it or beside it, and
    beside it candidates/, if sampling kept some); those that `shown_systems` does not name are left
    out. `foreign`: labels of other people's systems, by name.
    """
    foreign = foreign or {}
    folders: dict[str, dict[str, Path]] = {}
    for dataset, system, folder in systems:
        folders.setdefault(dataset, {})[system] = Path(folder)
    found = []
    for dataset in paper_order(folders):
        wanted = [s for s in shown_systems(dataset, table2, foreign) if s in folders[dataset]]
        shown = {system: folders[dataset][system] for system in wanted}
        prompts = _prompts(shown.values())
        rows = [
            {
                "prompt": prompts.get(clip, clip),
                "clip": clip,
                "players": _players(clip, shown, mel, foreign),
                "candidates": _candidates(clip, shown, mel),
            }
            for clip in choose_clips(shown.values(), prompts, per_dataset)
        ]
        if rows:
            found.append({"name": dataset_label(dataset), "rows": rows})
    return found


def choose_clips(folders: Iterable[Path], prompts: Mapping[str, str], number: int) -> list[str]:
    """Up to `number` clips that every folder has, drawn by hash; of new prompts first."""
    held = [{path.stem for path in Path(f).glob("*.wav")} for f in folders]
    common = set.intersection(*held) if held else set()
    return clips_to_hear({clip: prompts.get(clip, clip) for clip in common}, number)


def _prompts(folders: Iterable[Path]) -> dict[str, str]:
    """Prompt by clip id, from each system's clips.json; the real one has the captions."""
    found: dict[str, str] = {}
    for folder in folders:
        for path in (folder / "clips.json", folder.parent / "clips.json"):
            if path.exists():
                about = read_json(path)
                found |= about.get("captions", {}) | about.get("prompts", {})
    return found


def _players(
    clip: str, folders: Mapping[str, Path], mel: dict, labels: Mapping[str, str]
) -> list[dict]:
    return [
        _player(folder / f"{clip}.wav", labels.get(system) or system_label(system), mel)
        for system, folder in folders.items()
    ]


def _candidates(clip: str, folders: Mapping[str, Path], mel: dict) -> list[dict]:
    """Players of the candidates that CLAP did not choose, with its score and the chosen one's.
    Empty where sampling kept none: one candidate a prompt, or an older version."""
    found = []
    for system, folder in folders.items():
        kept = folder.parent / "candidates"
        about = folder.parent / "clips.json"
        choice = read_json(about).get("choices", {}).get(clip) if kept.is_dir() else None
        if not choice:
            continue
        scores, best = choice["scores"], choice["chosen"]
        for number, score in enumerate(scores):
            path = kept / f"{clip}-{number}.wav"
            if number != best and path.exists():
                label = f"{system_label(system)}: candidate {number + 1} of {len(scores)}"
                told = {"score": f"{score:.3f}", "chosen": f"{scores[best]:.3f}"}
                found.append(_player(path, label, mel) | told)
    return found


def _player(path: Path, label: str, mel: dict) -> dict:
    try:
        samples, rate = audio.read(path)
    except audio.AudioError as error:
        raise UserError(f"{path}: {error}; delete its folder and run again") from None
    return {
        "label": label,
        "sound": encode(samples, rate),
        "picture": mel_picture(samples, rate, mel),
        "seconds": len(samples) / rate,
    }


def encode(samples: np.ndarray, rate: int) -> str:
    """(T,) as a data URI of an MP3 of about 32 kbit/s.

    MP3 and not Ogg: every browser plays it, and libsndfile puts a random number into each Ogg
    stream, so that two reports of the same study would differ.
    """
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file,
        np.clip(samples, -1.0, 1.0),
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=0.6,
        bitrate_mode="VARIABLE",
    )
    return "data:audio/mpeg;base64," + base64.b64encode(file.getvalue()).decode()
