# REQUIRED INPUTS: none. OUTPUTS: resources/models/<checkpoint>/<component>/, resources/backbones/<name>.pth
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
    params:
        source=lambda w: ["models", "published", "checkpoints", w.checkpoint],
        lock="config/checksums.json",
        state="resources/state/download_checkpoint/{checkpoint}",
    script:
        "../scripts/download.py"


rule import_checkpoint:
    """Take {checkpoint} apart into component folders, every key accounted for."""
    input:
        checkpoint=rules.download_checkpoint.output,
        vocab="resources/tokenizer/vocab.json",
        merges="resources/tokenizer/merges.txt",
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
        front_end=config["models"]["clap"],
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
    params:
        source=lambda w: ["models", "published", "backbones", w.name],
        lock="config/checksums.json",
        state="resources/state/download_backbone/{name}",
    script:
        "../scripts/download.py"
