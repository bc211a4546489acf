# REQUIRED INPUTS: manifest.csv, audio shards, the folders of CLAP and VAE.
# OUTPUTS: <study>/data/<dataset>/{clap,latents}/shard-<n>.h5, <study>/data/<dataset>/text.h5
CLAP_BACKEND = config["models"]["clap"]["backend"]
CLAP_ENVIRONMENT = "../envs/laion.yml" if CLAP_BACKEND == "laion" else "../../environment.yml"


rule embed_audio:
    """CLAP embeddings of the clips of a shard of {dataset}."""
    input:
        audio=rules.resample.output,
        clap=model("clap"),
    output:
        f"{STUDY}/data/{{dataset}}/clap/shard-{{shard}}.h5",
    log:
        f"{STUDY}/logs/embed_audio/{{dataset}}-{{shard}}.log",
    benchmark:
        f"{STUDY}/benchmarks/embed_audio/{{dataset}}-{{shard}}.tsv"
    priority: 5
    conda:
        CLAP_ENVIRONMENT
    threads: RUNTIME["threads"]
    resources:
        mem_mb=6000,
        runtime=120,
        gpu=RUNTIME["gpus_per_job"],
    params:
        version=VERSIONS["embed_audio"],
        backend=CLAP_BACKEND,
        audio=config["audio"],
        state=f"{STUDY}/state/embed_audio/{{dataset}}-{{shard}}",
    script:
        "../scripts/embed_audio.py"


rule embed_text:
    """CLAP embeddings of the captions of {dataset}, in its template."""
    input:
        manifest=rules.make_manifest.output.manifest,
        clap=model("clap"),
    output:
        f"{STUDY}/data/{{dataset}}/text.h5",
    log:
        f"{STUDY}/logs/embed_text/{{dataset}}.log",
    benchmark:
        f"{STUDY}/benchmarks/embed_text/{{dataset}}.tsv"
    conda:
        CLAP_ENVIRONMENT
    threads: RUNTIME["threads"]
    resources:
        mem_mb=6000,
        runtime=60,
        gpu=RUNTIME["gpus_per_job"],
    params:
        version=VERSIONS["embed_text"],
        backend=CLAP_BACKEND,
        template=lambda w: dataset(w.dataset)["caption_template"],
        state=f"{STUDY}/state/embed_text/{{dataset}}",
    script:
        "../scripts/embed_text.py"


rule encode_latents:
    """VAE moments of the clips of a shard of {dataset}."""
    input:
        audio=rules.resample.output,
        vae=model("vae"),
    output:
        f"{STUDY}/data/{{dataset}}/latents/shard-{{shard}}.h5",
    log:
        f"{STUDY}/logs/encode/{{dataset}}-{{shard}}.log",
    benchmark:
        f"{STUDY}/benchmarks/encode/{{dataset}}-{{shard}}.tsv"
    priority: 5
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=RUNTIME["gpus_per_job"],
    params:
        version=VERSIONS["encode"],
        audio=config["audio"],
        mel=config["mel"],
        state=f"{STUDY}/state/encode/{{dataset}}-{{shard}}",
    script:
        "../scripts/encode_latents.py"
