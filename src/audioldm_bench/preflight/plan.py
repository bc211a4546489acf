"""The jobs of a study, from its config alone: which systems there are and how often each rule runs.

It says what the workflow's rules say; a test holds the two together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..config import checkpoint_steps
from ..config_rules import used_datasets

SPECTRAL = 3  # of Figure 1's systems: made by the vocoder
CORRUPTED = 6


def trained_datasets(config: Mapping) -> list[str]:
    """Those whose runs a table or a figure shows."""
    return list(dict.fromkeys([*config["table2"]["datasets"], config["figure2"]["dataset"]]))


def runs(config: Mapping) -> int:
    """Fine-tuning runs a dataset."""
    return len(config["training"]["initialisations"]) * len(config["training"]["conditions"])


def segments(config: Mapping, dataset: str) -> int:
    """Checkpoints of a run, each the end of a job."""
    training = config["training"]
    return len(checkpoint_steps(training["steps"][dataset], training["checkpoint_every"]))


def sampled(config: Mapping) -> dict[str, int]:
    """Systems that generate clips, by dataset."""
    found: Counter[str] = Counter()
    for name in config["table1"]["datasets"]:
        found[name] += len(config["table1"]["conditions"])
    for name in trained_datasets(config):
        found[name] += runs(config) * segments(config, name)
    return dict(found)


def evaluated(config: Mapping) -> dict[str, int]:
    """Systems whose features are extracted, by dataset: generated, real and corrupted ones."""
    found = Counter(sampled(config))
    found.update(dict.fromkeys(sampled(config), 1))
    figure1 = config["figure1"]["dataset"]
    found[figure1] += CORRUPTED + (figure1 not in sampled(config))
    return dict(found)


def _corpus(config: Mapping) -> list[str]:
    """The dataset that a study trains its own models on."""
    own = config["models"]["source"] == "trained"
    return [config["models"]["trained"]["dataset"]] if own else []


def encoded(config: Mapping) -> list[str]:
    """Datasets whose latents are needed."""
    return list(dict.fromkeys([*trained_datasets(config), *_corpus(config)]))


def heard(config: Mapping) -> list[str]:
    """Datasets whose CLAP embeddings of sound are needed."""
    table1 = config["table1"]
    names = list(table1["datasets"]) if "audio" in table1["conditions"] else []
    if "audio" in config["training"]["conditions"]:
        names += trained_datasets(config)
    return list(dict.fromkeys([*names, *_corpus(config)]))


def jobs(config: Mapping) -> dict[str, int]:
    """How often each rule of the target `all` runs from nothing; downloads, imports and the
    study's own models are left out."""
    datasets, used = config["datasets"], used_datasets(dict(config))

    def shards(names: list[str]) -> int:
        return sum(datasets[name]["shards"] for name in names)

    return {
        "make_manifest": len(used),
        "resample": shards(used),
        "export_reference": len(used),
        "embed_text": len(sampled(config)),
        "embed_audio": shards(heard(config)),
        "encode_latents": shards(encoded(config)),
        "train": sum(runs(config) * segments(config, name) for name in trained_datasets(config)),
        "sample": sum(sampled(config).values()),
        "corrupt": CORRUPTED,
        "extract_features": sum(evaluated(config).values()),
        "compute_metrics": sum(sampled(config).values()),
        "corruption_metrics": 1,
        "tables": 1,
        "figures": 1,
        "write_report": 1,
    }
