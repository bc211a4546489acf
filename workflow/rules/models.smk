# REQUIRED INPUTS: none. OUTPUTS: resources/models/<checkpoint>/<component>/, resources/backbones/<name>.pth
from audioldm_bench.hub import clap_files, model_files
from audioldm_bench.published import clap_path, import_inputs, model_path, origin

CHECKPOINTS = config["models"]["published"]["checkpoints"]


rule download_checkpoint:
    """Fetch the published AudioLDM checkpoint {checkpoint}."""
    output:
        "resources/downloads/{checkpoint}.ckpt",
    log:
        "resources/logs/download_checkpoint/{checkpoint}.log",
    benchmark:
        "resources/benchmarks/download_checkpoint/{checkpoint}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=480,
        downloads=1,
    params:
        source=lambda w: ["models", "published", "checkpoints", w.checkpoint],
        lock="config/checksums.json",
        state="resources/state/download_checkpoint/{checkpoint}",
    script:
        "../scripts/download.py"


rule download_folder:
    """Fetch the diffusers folder of {checkpoint} from a hub."""
    output:
        directory("resources/downloads/{checkpoint}"),
    log:
        "resources/logs/download_folder/{checkpoint}.log",
    benchmark:
        "resources/benchmarks/download_folder/{checkpoint}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=480,
        downloads=1,
    params:
        source=lambda w: ["models", "published", "checkpoints", w.checkpoint],
        origin=lambda w: origin(CHECKPOINTS[w.checkpoint], clap=False),
        files=lambda w: model_files(CHECKPOINTS[w.checkpoint]["weights"]),
        lock="config/checksums.json",
        state="resources/state/download_folder/{checkpoint}",
    script:
        "../scripts/download_folder.py"


rule download_clap:
    """Fetch a checkpoint of CLAP, whose audio tower {checkpoint} lacks."""
    output:
        "resources/clap/{checkpoint}.pt",
    log:
        "resources/logs/download_clap/{checkpoint}.log",
    benchmark:
        "resources/benchmarks/download_clap/{checkpoint}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
        downloads=1,
    params:
        source=lambda w: ["models", "published", "checkpoints", w.checkpoint, "clap"],
        lock="config/checksums.json",
        state="resources/state/download_clap/{checkpoint}",
    script:
        "../scripts/download.py"


rule download_clap_folder:
    """Fetch a folder of CLAP, whose audio tower {checkpoint} lacks, from a hub."""
    output:
        directory("resources/clap/{checkpoint}"),
    log:
        "resources/logs/download_clap_folder/{checkpoint}.log",
    benchmark:
        "resources/benchmarks/download_clap_folder/{checkpoint}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=240,
        downloads=1,
    params:
        source=lambda w: ["models", "published", "checkpoints", w.checkpoint, "clap"],
        origin=lambda w: origin(CHECKPOINTS[w.checkpoint]["clap"]),
        files=lambda w: clap_files(CHECKPOINTS[w.checkpoint]["clap"]["weights"]),
        lock="config/checksums.json",
        state="resources/state/download_clap_folder/{checkpoint}",
    script:
        "../scripts/download_folder.py"


rule import_checkpoint:
    """Take {checkpoint} apart into component folders, every key accounted for."""
    input:
        unpack(lambda w: import_inputs(CHECKPOINTS, w.checkpoint)),
    output:
        **{
            component: directory(f"resources/models/{{checkpoint}}/{component}")
            for component in ("clap", "vae", "vocoder", "unet", "scheduler")
        },
        source="resources/models/{checkpoint}/source.json",
    log:
        "resources/logs/import_checkpoint/{checkpoint}.log",
    benchmark:
        "resources/benchmarks/import_checkpoint/{checkpoint}.tsv"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=12000,
        runtime=60,
    params:
        version=VERSIONS["import"],
        front_end=FRONT_END,
        model=lambda w: model_path(CHECKPOINTS, w.checkpoint),
        clap=lambda w: clap_path(CHECKPOINTS, w.checkpoint),
        head_channels=lambda w: CHECKPOINTS[w.checkpoint].get("head_channels"),
        origin=lambda w: origin(CHECKPOINTS[w.checkpoint]),
    script:
        "../scripts/import_checkpoint.py"


rule download_tokenizer:
    """Fetch a file of RoBERTa's tokenizer: {name}."""
    output:
        "resources/tokenizer/{name}",
    log:
        "resources/logs/download_tokenizer/{name}.log",
    benchmark:
        "resources/benchmarks/download_tokenizer/{name}.tsv"
    wildcard_constraints:
        name=r"vocab\.json|merges\.txt",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
        downloads=1,
    params:
        source=lambda w: ["models", "published", "tokenizer", w.name],
        lock="config/checksums.json",
        state="resources/state/download_tokenizer/{name}",
    script:
        "../scripts/download.py"


rule download_backbone:
    """Fetch the published weights of the feature backbone {name}."""
    output:
        "resources/backbones/{name}.pth",
    log:
        "resources/logs/download_backbone/{name}.log",
    benchmark:
        "resources/benchmarks/download_backbone/{name}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=120,
        downloads=1,
    params:
        source=lambda w: ["models", "published", "backbones", w.name],
        lock="config/checksums.json",
        state="resources/state/download_backbone/{name}",
    script:
        "../scripts/download.py"
