"""How many clips a study has, before there is a manifest: as published, or as the config says."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config_rules import used_datasets
from ..errors import UserError

GB = 10**9
FLAC = 2.0e6  # bytes of a YouTube clip, 10 s of stereo at 48 kHz in 24 bits to 70 % [assumed]
UNKNOWN = 1000  # clips of a dataset whose tables are not there yet and not published [assumed]
_FOLDS = {"esc50": 5, "urbansound8k": 10}


@dataclass(frozen=True)
class Clips:
    """Of one dataset."""

    total: int
    train: int
    evaluation: int
    duration: float  # s, mean
    raw: int = 0  # bytes of the folder in its original layout, if the study fetches or makes it
    archive: int = 0  # bytes that the download takes beside it until it is unpacked
    youtube: int = 0  # clips that are fetched one by one
    known: bool = True  # False: nothing says how many there are, UNKNOWN stands there


@dataclass(frozen=True)
class _Published:
    total: int
    duration: float
    evaluation: int = 0  # of the official split
    train: int = 0
    raw: int = 0
    archive: int = 0


# ESC-50 and UrbanSound8K: their archives and tables. AudioCaps: the rows of train.csv, the videos
# of val.csv and test.csv. AudioSet: its evaluation segments.
_PUBLISHED = {
    "esc50": _Published(2000, 5.0, raw=round(0.9 * GB), archive=round(0.65 * GB)),
    "urbansound8k": _Published(8732, 3.61, raw=round(7.1 * GB), archive=round(6.1 * GB)),
    "audiocaps": _Published(51_308, 10.0, evaluation=975, train=49_838),
    "audioset": _Published(20_371, 10.0, evaluation=20_371),
}
_UNKNOWN = _Published(UNKNOWN, duration=float("inf"))  # of a csv that is not there yet
_LISTS = {  # the authors' evaluation lists [code]
    "audiocaps_test_nonrepeat_subset_2.json": 964,
    "audioset_eval_data_subset.json": 2034,
}


def study_clips(config: Mapping, base: Path = Path()) -> dict[str, Clips]:
    """By dataset that the study uses: of the manifest if there is one (below `base`), else of the
    dataset's tables, else as published."""
    return {name: _dataset(config, name, Path(base)) for name in used_datasets(dict(config))}


def _dataset(config: Mapping, name: str, base: Path) -> Clips:
    dataset = config["datasets"][name]
    expected = _expected(dataset)
    splits = _manifest(base / f"results/{config['study']}/data/{name}/manifest.csv")
    splits = splits or _tables(config, name, base)
    counts = (expected.total, expected.train, expected.evaluation)
    if splits:
        counts = (len(splits), splits.count("train"), splits.count("evaluation"))
    fetched = dataset["source"] == "download"
    youtube = counts[0] if fetched and dataset["adapter"] in ("audiocaps", "audioset") else 0
    return Clips(
        *counts,
        duration=min(expected.duration, config["audio"]["duration"]),
        raw=_raw_bytes(dataset, expected),
        archive=expected.archive if fetched else 0,
        youtube=youtube,
        known=bool(splits) or dataset["source"] == "synthetic" or dataset["adapter"] in _PUBLISHED,
    )


def _manifest(path: Path) -> list[str]:
    """The clips' splits."""
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [row["split"] for row in csv.DictReader(file)]


def _tables(config: Mapping, name: str, base: Path) -> list[str]:
    """The clips' splits by the tables of a folder that is there; none if they cannot be read yet:
    the job that needs them says why."""
    from ..datasets.adapters import scan_dataset
    from ..datasets.splits import assign_splits
    from ..seeds import derive

    dataset = config["datasets"][name]
    own = dataset["source"] == "folder"
    root = base / (dataset["folder"] if own else f"resources/datasets/{name}")
    if dataset["source"] == "synthetic" or not root.is_dir():
        return []
    try:
        clips = scan_dataset(root, dict(dataset))
        used = assign_splits(clips, dataset["split"], derive(config["seed"], "split", name))
    except UserError:
        return []
    return [clip.split for clip in used]


def _raw_bytes(dataset: Mapping, expected: _Published) -> int:
    if dataset["source"] == "folder":
        return 0
    if dataset["source"] == "synthetic":  # 16 bits; some of the layouts have stereo at 48 kHz
        return round(expected.total * expected.duration * 44_100 * 2 * 2)
    return expected.raw or round(expected.total * FLAC)


def _expected(dataset: Mapping) -> _Published:
    if dataset["source"] == "synthetic":
        return _split(dataset, _synthetic(dataset))
    return _split(dataset, _PUBLISHED.get(dataset["adapter"], _UNKNOWN))


def _synthetic(dataset: Mapping) -> _Published:
    clips, duration = dataset["synthetic"]["clips"], dataset["synthetic"]["duration"]
    if "per_class" in clips:
        from ..synthetic.families import choose

        classes = choose(dataset["adapter"], clips.get("classes"))
        return _Published(len(classes) * clips["per_class"], duration)
    train, evaluation = clips["train"], clips["evaluation"]
    total = train + evaluation + clips.get("validation", 0)
    return _Published(total, duration, evaluation=evaluation, train=train)


def _split(dataset: Mapping, whole: _Published) -> _Published:
    """`whole` with the numbers of its splits, as far as the config tells them."""
    split, total = dataset["split"], whole.total
    evaluation = split["evaluation"]
    if split["kind"] == "official":
        listed = _LISTS.get(Path(dataset["evaluation_list"] or "").name)
        evaluation = evaluation or listed or whole.evaluation
        train = whole.train
        total -= whole.evaluation - evaluation  # what no split uses is not fetched
    else:
        if split["kind"] == "fold" and not evaluation:
            folds = _FOLDS.get(dataset["adapter"], 5)  # of a user's csv: five [assumed]
            evaluation = round(total * len(split["evaluation_folds"]) / folds)
        train = total - evaluation - split["validation"]
    return _Published(total, whole.duration, evaluation, train, whole.raw, whole.archive)
