# REQUIRED INPUTS: the config. OUTPUTS: none; names and paths that the rules share.
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from audioldm_bench import stages
from audioldm_bench.config import (
    canonical,
    check_config,
    checkpoint_steps,
    load_schema,
    used_datasets,
)
from audioldm_bench.errors import UserError
from audioldm_bench.job import give_package_to_jobs
from audioldm_bench.limits import (
    most_gpus,
    sampling_minutes,
    training_gpus,
    training_memory,
    training_minutes,
)
from audioldm_bench.metrics.registry import needed_backbones, parse_name
from audioldm_bench.resume import fingerprint
from audioldm_bench.slurm import put_before_sacct

give_package_to_jobs()
try:
    check_config(
        config,
        load_schema(workflow.source_path("../schemas/config.schema.yaml")),
        Path.cwd(),
    )
except UserError as mistake:  # of an exception, Snakemake says where in this file it was raised
    sys.exit(f"error: {mistake}")

# Snakemake compares the texts of params, as a set: order and 5.0 for 5 must not tell, but which
# param it was must.
config.update(canonical(config))
VERSIONS = {stage: f"{stage} {number}" for stage, number in stages.VERSIONS.items()}
STUDY = f"results/{config['study']}"
DATASETS = used_datasets(config)
RUN = f"{STUDY}/runs/{{dataset}}/{{initialisation}}-{{condition}}"
SYSTEM = f"{STUDY}/systems/{{dataset}}/{{system}}"
SOURCE = config["models"]["source"]
TRAINED = (config["models"]["trained"] or {}) if SOURCE == "trained" else {}
COMPONENTS = ["clap", "vae", "vocoder", "tagger", "embedder", "unet"] if TRAINED else []
CHECKPOINT = config["models"]["published"]["checkpoint"]
# of CLAP's audio tower; a model folder does not depend on the code that runs it
FRONT_END = {k: v for k, v in config["models"]["clap"].items() if k != "backend"}
BACKBONES = needed_backbones(config["metrics"])
METRICS = {name: config["metrics"][name] for name in sorted(config["metrics"])}
RUNTIME = config["runtime"]
# corruption of Figure 1: the system that it is compared with
CORRUPTIONS = {
    "noise": "vocoded",
    "mask": "vocoded",
    "disorder": "composed",
    "interference": "real",
}
# corrupted systems and their references: the keys of figure1 that make them
CORRUPTION_KEYS = {
    "vocoded": ["resynthesis"],
    "corrupted-noise": ["resynthesis", "noise_std"],
    "corrupted-mask": ["resynthesis", "mask_duration"],
    "composed": ["events_per_clip"],
    "corrupted-disorder": ["events_per_clip"],
    "corrupted-interference": ["interference_classes", "interference_snr_db"],
}
# what every table needs beside its systems: docs/systems.md
BOUNDS = ["floor", "ceiling-noise", "ceiling-shuffled"]
YOUTUBE = [n for n in DATASETS if config["datasets"][n]["adapter"] in ("audiocaps", "audioset")]
ARCHIVES = [n for n in DATASETS if n not in YOUTUBE]
# pictures are sent on in three formats
FORMATS = ["png", "pdf", "svg"]
# What jobs share, where neither a profile nor --resources says otherwise: the GPU of this machine,
# downloads at once (from one server at most two), YouTube's hourly limit. A job on a cluster's node
# has what SLURM gave it. In profiles/default, these would win over profiles/slurm.
LIMITS = {"gpu": max(1, most_gpus(config)), "downloads": 3, "youtube": 1}
if workflow.is_main_process:
    put_before_sacct(Path(workflow.basedir) / "profiles/slurm/without-accounting")
    for name, limit in LIMITS.items():
        if name not in workflow.global_resources:
            workflow.register_resource(name, limit)


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


def raw_files(name):
    """What stands for a dataset's raw data as a rule's input: of a user's folder its tables, for a
    folder's own date changes with any file that is put beside them."""
    root = raw_root(name)
    if dataset(name)["source"] == "folder":
        patterns = ("*.csv", "meta*/*.csv", "*/meta*/*.csv")
        found = {path for pattern in patterns for path in Path(root).glob(pattern)}
        named = Path(root) / (dataset(name).get("table") or "")  # anywhere, under any name
        found |= {named} if named.is_file() else set()
        return sorted(map(str, found)) or ancient(root)
    fetched = dataset(name)["source"] == "download" and name in YOUTUBE
    return f"{root}/missing.csv" if fetched else root


def adapter(wildcards):
    """What decides how the clips of a dataset are listed."""
    keys = ("adapter", "table", "split", "evaluation_list", "shards")
    return {key: dataset(wildcards.dataset).get(key) for key in keys}


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
    """The weights of a feature backbone: a trained folder, the study's CLAP or a published file."""
    if name == "clap":
        return model("clap")
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


def foreign_systems(name):
    """Other people's systems on a dataset, sorted by name."""
    return [system for system, its in config["systems"].items() if name in its["folders"]]


def foreign_folder(wildcards):
    """The user's folder with the clips of another system on a dataset."""
    name, its = wildcards.system, config["systems"][wildcards.system]
    if wildcards.dataset not in its["folders"]:
        raise WorkflowError(
            f"`systems.{name}.folders` names no folder for `{wildcards.dataset}`: add it."
        )
    return its["folders"][wildcards.dataset]


def table1_systems():
    """(dataset, system) of every row of Table I."""
    conditions = config["table1"]["conditions"]
    return [(d, f"baseline-{c}") for d in config["table1"]["datasets"] for c in conditions]


def table2_systems():
    """(dataset, system) of every checkpoint that Table II chooses from."""
    return [(d, system) for d in config["table2"]["datasets"] for system in run_systems(d)]


def validated(systems):
    """The folders with the validation losses of checkpoints, where these choose."""
    if "validation" not in config["table2"]["select_on"]:
        return []
    runs = [(d, *system.rsplit("-", 1)) for d, system in systems]
    return [f"{STUDY}/runs/{d}/{run}/step-{step}" for d, run, step in runs]


def compared_systems(name):
    """The systems of a dataset's benchmark table, all checkpoints of its runs among them."""
    own = [system for d, system in table1_systems() + table2_systems() if d == name]
    return own + foreign_systems(name) + BOUNDS


def metrics_files(systems):
    """The metrics of (dataset, system) pairs."""
    return [f"{STUDY}/systems/{d}/{system}/metrics.json" for d, system in systems]


def features(name, system):
    """The feature files of one system, one a backbone."""
    return expand(f"{STUDY}/systems/{name}/{system}/features/{{backbone}}.h5", backbone=BACKBONES)


def evaluation_list(name):
    """The authors' list of evaluation clips, where the dataset has one."""
    return dataset(name)["evaluation_list"] or []


def first_step(wildcards):
    """The step that the segment up to `wildcards.step` starts from."""
    before = [step for step in steps(wildcards.dataset) if step < int(wildcards.step)]
    return before[-1] if before else 0


def start_of_segment(wildcards):
    """The state of the segment before; for the first one the model to begin with, if any."""
    if first_step(wildcards) > 0:
        return f"{RUN}/state-{first_step(wildcards):07d}".format(**wildcards)
    trained_scratch = SOURCE == "trained" and wildcards.initialisation == "scratch"
    return [] if trained_scratch else model("unet")


def conditions(wildcards):
    """The embeddings that a run is conditioned on: one text file, or the shards of sounds."""
    if wildcards.condition == "text":
        return [f"{STUDY}/data/{wildcards.dataset}/text.h5"]
    return shards(wildcards.dataset, "clap")


def unet_of(wildcards):
    """The diffusion model behind a system's name."""
    if wildcards.system.startswith("baseline-"):
        return model("unet")
    run, step = wildcards.system.rsplit("-", 1)
    return f"{STUDY}/runs/{wildcards.dataset}/{run}/step-{step}"


def heard_by_vocoder(wildcards):
    """Whether a corruption of Figure 1 goes through the vocoder."""
    spectral = "resynthesis" in CORRUPTION_KEYS[wildcards.system]
    return spectral and config["figure1"]["resynthesis"] == "vocoder"


def test_condition(wildcards):
    """What a system is given when it samples: always text, but for the audio baseline."""
    return "audio" if wildcards.system == "baseline-audio" else "text"


def largest_memory():
    """The most mem_mb that a rule asks for, and its name; rules that compute it are left out."""
    asked = [(rule.name, rule.resources.get("mem_mb")) for rule in workflow.rules]
    asked = [(name, getattr(memory, "raw", memory)) for name, memory in asked]
    asked = [(memory, name) for name, memory in asked if isinstance(memory, int)]
    return max(asked)


def gpu_keys():
    """The key of `runtime` that a rule's GPUs are from, by the pattern of its benchmark files; None
    of a rule that asks for none."""
    found = {}
    for each in workflow.rules:
        if each.benchmark:
            name = str(each.benchmark).partition("benchmarks/")[2]
            # a wildcard's constraint can have braces too: {shard,\d{5}}
            pattern = re.sub(r"\{(?:[^{}]|\{[^{}]*\})*\}", "*", name)
            shared = each.name in ("train", "pretrain_diffusion")
            key = "gpus_per_training" if shared else "gpus_per_job"
            found[pattern] = key if "gpu" in each.resources else None
    return dict(sorted(found.items()))


def own_benchmarks():
    """The study's benchmark files as far as the config names what their jobs make, as patterns;
    those of an earlier config can lie beside them."""
    jobs = [*COMPONENTS, "tokenizer"] if TRAINED else []
    for name in DATASETS:
        numbers = [f"{number:05d}" for number in range(dataset(name)["shards"])]
        corrupted = CORRUPTION_KEYS if name == config["figure1"]["dataset"] else []
        runs = run_systems(name) if name == config["figure2"]["dataset"] else []
        made = {"real", *compared_systems(name), *corrupted, *runs, *numbers}
        jobs += [name, *(f"{name}-{each}" for each in sorted(made))]
    alone = [f"{STUDY}/benchmarks/{each}.tsv" for each in ("*", "preflight/*")]
    return alone + [f"{STUDY}/benchmarks/*/{job}.tsv" for job in jobs]


def shared_benchmarks():
    """The benchmark files of what this study uses of resources/, which all studies share."""
    jobs = [name for name in DATASETS if dataset(name)["source"] == "download"]
    jobs += [Path(evaluation_list(name)).name for name in DATASETS if evaluation_list(name)]
    jobs += BACKBONES
    if SOURCE == "published":
        clap = config["models"]["published"]["checkpoints"][CHECKPOINT].get("clap") or {}
        jobs += [CHECKPOINT, clap.get("checkpoint"), "vocab.json", "merges.txt"]
    return [f"resources/benchmarks/*/{job}.tsv" for job in dict.fromkeys(jobs) if job]
