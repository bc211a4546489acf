"""What `evaluate` and `compare` both do: captions, weights, features, and the record of values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from audioldm_bench.cli.captions import read_captions, text_store
from audioldm_bench.cli.choice import TEXT, Options, backbones_of, metric_names, metrics_config
from audioldm_bench.cli.sides import Side, some
from audioldm_bench.cli.unpaired import left_out
from audioldm_bench.cli.weights import default_cache, find_weights
from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.estimates import Estimate
from audioldm_bench.evaluation.pairs import ClipFeatures, identities, ids_sha256, load_captions
from audioldm_bench.evaluation.system import interval_record, values_record
from audioldm_bench.features.cache import features_of
from audioldm_bench.metrics.registry import PAPER, parse_name
from audioldm_bench.progress import Progress

Files = dict[str, Path]  # feature files by backbone


class Work:
    """One call of a command. UserError for every mistake in the options."""

    def __init__(self, options: Options, *, unpaired: bool = False):
        options.check()
        self.options = options
        self.cache = options.cache or default_cache()
        asked = metric_names(options)
        self.left_out = left_out(asked) if unpaired else {}  # reasons by full name
        self.names = [name for name in asked if name not in self.left_out]
        if not self.names:
            raise UserError(f"--unpaired leaves nothing to compute of {', '.join(asked)}")
        self.config = metrics_config(options, self.names)
        self.captions: dict[str, str] = {}
        self.weights: Files = {}

    def check_captions(self, ids: Sequence[str]) -> None:
        """Reads the captions of `ids`; UserError if a clip has none."""
        if f"clap_score_{TEXT}" not in self.names:
            return
        path = self.options.captions
        captions = read_captions(path)
        absent = [clip_id for clip_id in ids if clip_id not in captions]
        if absent:
            raise UserError(
                f"--captions {path}: no caption of {some(absent)}; add rows, or take these clips "
                "out of the folder"
            )
        self.captions = {clip_id: captions[clip_id] for clip_id in ids}

    def fetch_weights(self) -> None:
        """Of the backbones that the metrics need; says which of those named they do not."""
        needed, given = backbones_of(self.names), self.options.weights
        if idle := sorted({*given, *self.options.backbones} - set(needed)):
            _tell("weights", f"not used, for no metric asked for needs them: {', '.join(idle)}")
        self.weights = find_weights(needed, given, self.cache, offline=self.options.offline)

    def features(self, side: Side) -> Files:
        """From the cache, or made now."""
        name = side.folder.resolve().name
        _tell(name, f"{len(side.clips)} clips on {', '.join(self.weights)}")
        durations = {"nominal_duration": self.options.duration}
        durations |= {"minimum_duration": self.config["minimum_duration"]}
        before, Progress.job = Progress.job, name  # the label of its lines
        try:
            return features_of(side.folder, self.weights, self.cache / "features", **durations)
        finally:
            Progress.job = before

    def text(self) -> Path | None:
        """The store of the captions' embeddings, where they are needed."""
        if not self.captions:
            return None
        return text_store(self.captions, self.weights[TEXT], self.cache)

    def score(self, estimate: Callable, generated: ClipFeatures, reference: ClipFeatures) -> dict:
        """The part of metrics.json that `estimate`, or `estimate_unpaired`, decides."""
        intervals = f"intervals from {self.options.replicates} halves of the clips"
        _tell("metrics", f"{', '.join(self.names)}; {intervals}")
        text = self.text()
        captions = load_captions(text, generated.ids) if text else None
        seed, n = self.options.seed, len(generated.ids)
        given = {"seed": seed, "captions": captions, "names": self.names}
        with Progress("metrics", len(self.names), "metrics", every=10) as progress:
            done = iter(range(1, len(self.names) + 1))
            given["after_each"] = lambda: progress.update(next(done))
            found: dict[str, Estimate] = estimate(generated, reference, self.config, **given)
        short = short_names(self.names)
        paper = {key: found[full].value for key, full in short.items() if key != full}
        if "is" in short:
            spread = found[short["is"]].extra
            paper |= {"is_std": spread["std"], "is_splits": spread["splits"]}
        return paper | {
            "values": {full: values_record(found[full]) for full in self.names},
            "names": short,
            "interval": interval_record(self.config, n, seed),
            "n": n,
            "clip_list_sha256": ids_sha256(generated.ids),
        }


def short_names(names: Sequence[str]) -> dict[str, str]:
    """As a study's metrics.json: the paper's keys for the first of each, the rest by full name."""
    keys = {variant: key for key, variant in PAPER.items()} | {"kl_sigmoid": "kl_sigmoid"}
    short: dict[str, str] = {}
    for full in names:
        key = keys.get(parse_name(full)[0], full)
        short[full if key in short else key] = full
    return short


def _tell(label: str, words: str) -> None:
    """Beside the progress lines, which have the same form."""
    print(f"[{label}] {words}", file=sys.stderr, flush=True)


def remarks(files: Files) -> dict[str, list[str]]:
    """What feature files say of clips that are scored all the same, such as silent ones."""
    found: dict[str, set[str]] = {}
    for attrs in identities(files).values():
        for kind, ids in (attrs.get("remarks") or {}).items():
            found.setdefault(kind, set()).update(ids)
    return {kind: sorted(ids) for kind, ids in found.items() if ids}
