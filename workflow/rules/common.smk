# REQUIRED INPUTS: the config. OUTPUTS: none; names and paths that the rules share.
import json

from snakemake.exceptions import WorkflowError

from audioldm_bench.config import (
    check_config,
    checkpoint_steps,
    load_schema,
    used_datasets,
)
from audioldm_bench.errors import UserError
from audioldm_bench.stages import VERSIONS

try:
    check_config(config, load_schema(workflow.source_path("../schemas/config.schema.yaml")), Path.cwd())
except UserError as mistake:
    raise WorkflowError(str(mistake))

STUDY = f"results/{config['study']}"
DATASETS = used_datasets(config)
SOURCE = config["models"]["source"]
TRAINED = config["models"]["trained"] or {}
CHECKPOINT = config["models"]["published"]["checkpoint"]
BACKBONES = sorted({config["metrics"][name] for name in ("fd", "is", "kl", "fad")})
METRICS = {name: config["metrics"][name] for name in sorted(config["metrics"])}
RUNTIME = config["runtime"]
CORRUPTIONS = ["noise", "mask", "disorder", "interference"]
# pictures are sent on in three formats
FORMATS = ["png", "pdf", "svg"]


wildcard_constraints:
    dataset="|".join(config["datasets"]),
    shard=r"\d{5}",
    initialisation="scratch|pretrained",
    condition="audio|text",
    step=r"\d{7}",
    checkpoint="|".join(config["models"]["published"]["checkpoints"]),


def dataset(name):
    """The config section of a dataset."""
    return config["datasets"][name]


def raw_root(name):
    """The folder of a dataset in its original layout."""
    source = dataset(name)["source"]
    if source == "folder":
        return dataset(name)["folder"]
    return f"{STUDY}/world/{name}" if source == "synthetic" else f"resources/datasets/{name}"


def shards(name, stage):
    """The shards of a dataset at one stage of the road: audio, clap or latents."""
    numbers = [f"{number:05d}" for number in range(dataset(name)["shards"])]
    return expand(f"{STUDY}/data/{name}/{stage}/shard-{{number}}.h5", number=numbers)


def model(component):
    """The folder of a component model: clap, vae, vocoder or unet."""
    if SOURCE == "trained":
        return f"{STUDY}/models/{component}"
    return f"resources/models/{CHECKPOINT}/{component}"


def backbone(name):
    """The weights of a feature backbone: a trained folder or a published file."""
    if name in ("tagger", "embedder"):
        return f"{STUDY}/models/{name}"
    return f"resources/backbones/{name}.pth"


def steps(name):
    """The steps after which a run on the dataset leaves a checkpoint."""
    training = config["training"]
    return checkpoint_steps(training["steps"][name], training["checkpoint_every"])


def run_systems(name):
    """The systems that the fine-tuning runs on a dataset make, one a checkpoint."""
    return expand(
        "{initialisation}-{condition}-{step}",
        initialisation=config["training"]["initialisations"],
        condition=config["training"]["conditions"],
        step=[f"{step:07d}" for step in steps(name)],
    )


def table1_systems():
    """(dataset, system) of every row of Table I."""
    conditions = config["table1"]["conditions"]
    return [(d, f"baseline-{c}") for d in config["table1"]["datasets"] for c in conditions]


def table2_systems():
    """(dataset, system) of every checkpoint that Table II chooses from."""
    return [(d, system) for d in config["table2"]["datasets"] for system in run_systems(d)]


def metrics_files(systems):
    """The metrics of (dataset, system) pairs."""
    return [f"{STUDY}/systems/{d}/{system}/metrics.json" for d, system in systems]


def features(name, system):
    """The feature files of one system, one a backbone."""
    return expand(f"{STUDY}/systems/{name}/{system}/features/{{backbone}}.h5", backbone=BACKBONES)


def evaluation_list(name):
    """The authors' list of evaluation clips, where the dataset has one."""
    return dataset(name)["evaluation_list"] or []
