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
BOUNDS = 3  # floor and two ceilings, of each dataset of a table


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


def tabled(config: Mapping) -> list[str]:
    """Datasets of a table."""
    return list(dict.fromkeys([*config["table1"]["datasets"], *config["table2"]["datasets"]]))


def foreign(config: Mapping) -> dict[str, int]:
    """Other people's systems, by dataset."""
    return dict(Counter(name for its in config["systems"].values() for name in its["folders"]))


def scored(config: Mapping) -> dict[str, int]:
    """Systems with a metrics.json, by dataset: generated ones, bounds and other people's."""
    found = Counter(sampled(config))
    found.update(dict.fromkeys(tabled(config), BOUNDS))
    found.update(foreign(config))
    return dict(found)


def evaluated(config: Mapping) -> dict[str, int]:
    """Systems whose features are extracted, by dataset: scored, real and corrupted ones."""
    found = Counter(scored(config))
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
    """How often each rule of the target `all` runs from nothing, if it does; downloads, imports of
    models and the study's own models are left out."""
    datasets, used = config["datasets"], used_datasets(dict(config))

    def shards(names: list[str]) -> int:
        return sum(datasets[name]["shards"] for name in names)

    found = {
        "make_manifest": len(used),
        "resample": shards(used),
        "check_dataset": len(used),
        "export_reference": len(used),
        "embed_text": len(sampled(config)),
        "embed_audio": shards(heard(config)),
        "encode_latents": shards(encoded(config)),
        "train": sum(runs(config) * segments(config, name) for name in trained_datasets(config)),
        "sample": sum(sampled(config).values()),
        "corrupt": CORRUPTED,
        "make_bounds": len(tabled(config)),
        "import_system": sum(foreign(config).values()),
        "extract_features": sum(evaluated(config).values()),
        "compute_metrics": sum(scored(config).values()),
        "compare_systems": len(tabled(config)),
        "benchmark_table": 1,
        "corruption_metrics": 1,
        "tables": 1,
        "figure1": 1,
        "figure2": 1,
        "write_report": 1,
    }
    return {rule: number for rule, number in found.items() if number}
