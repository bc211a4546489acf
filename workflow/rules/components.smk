# REQUIRED INPUTS: manifest.csv and audio shards of models.trained.dataset.
# OUTPUTS: <study>/models/{tokenizer,clap,vae,vocoder,tagger,embedder,unet}/, each with quality.json
CORPUS = TRAINED.get("dataset", "none")
CORPUS_AUDIO = shards(CORPUS, "audio") if TRAINED else []
CORPUS_MANIFEST = f"{STUDY}/data/{CORPUS}/manifest.csv"
CORPUS_CHECKS = ancient(f"{STUDY}/data/{CORPUS}/checks.json") if TRAINED else []


rule train_component:
    """Train the {component} of the study's own world from scratch."""
    input:
        audio=CORPUS_AUDIO,
        manifest=CORPUS_MANIFEST,
        checks=CORPUS_CHECKS,
    output:
        directory(f"{STUDY}/models/{{component}}"),
    log:
        f"{STUDY}/logs/train_component/{{component}}.log",
    benchmark:
        f"{STUDY}/benchmarks/train_component/{{component}}.tsv"
    wildcard_constraints:
        component="vocoder|tagger|embedder",
    priority: 8
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=6000,
        runtime=240,
        gpu=RUNTIME["gpus_per_job"],
    params:
        version=VERSIONS["components"],
        component="{component}",
        settings=lambda w: TRAINED.get(w.component),
        audio=config["audio"],
        mel=config["mel"],
        seed=config["seed"],
        state=f"{STUDY}/state/train_component/{{component}}",
    script:
        "../scripts/train_component.py"


# The longest chain of the study goes through CLAP, the VAE and the pre-trained model: these come
# first, then the other components, then all that waits for none of them.
use rule train_component as train_vae with:
    output:
        directory(f"{STUDY}/models/vae"),
    log:
        f"{STUDY}/logs/train_component/vae.log",
    benchmark:
        f"{STUDY}/benchmarks/train_component/vae.tsv"
    priority: 10
    params:
        version=VERSIONS["components"],
        component="vae",
        settings=TRAINED.get("vae"),
        audio=config["audio"],
        mel=config["mel"],
        seed=config["seed"],
        state=f"{STUDY}/state/train_component/vae",


rule train_tokenizer:
    """Train the byte-level BPE of CLAP's text tower on the captions of the wide corpus."""
    input:
        CORPUS_MANIFEST,
    output:
        directory(f"{STUDY}/models/tokenizer"),
    log:
        f"{STUDY}/logs/train_component/tokenizer.log",
    benchmark:
        f"{STUDY}/benchmarks/train_component/tokenizer.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        version=VERSIONS["components"],
        settings=TRAINED.get("tokenizer"),
        wordings=TRAINED.get("clap", {}).get("wordings", {}),
    script:
        "../scripts/train_tokenizer.py"


rule train_clap:
    """Train CLAP's two towers contrastively from scratch."""
    input:
        tokenizer=rules.train_tokenizer.output,
        audio=CORPUS_AUDIO,
        manifest=CORPUS_MANIFEST,
        checks=CORPUS_CHECKS,
    output:
        directory(f"{STUDY}/models/clap"),
    log:
        f"{STUDY}/logs/train_component/clap.log",
    benchmark:
        f"{STUDY}/benchmarks/train_component/clap.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=6000,
        runtime=240,
        gpu=RUNTIME["gpus_per_job"],
    params:
        version=VERSIONS["components"],
        settings=TRAINED.get("clap"),
        front_end=FRONT_END,
        audio=config["audio"],
        seed=config["seed"],
        state=f"{STUDY}/state/train_component/clap",
    script:
        "../scripts/train_clap.py"


rule pretrain_diffusion:
    """Train the model that counts as pre-trained: from scratch on the wide corpus, audio-conditioned."""
    input:
        latents=shards(CORPUS, "latents") if TRAINED else [],
        conditions=shards(CORPUS, "clap") if TRAINED else [],
        manifest=CORPUS_MANIFEST,
        checks=CORPUS_CHECKS,
        vae=model("vae"),
    output:
        directory(f"{STUDY}/models/unet"),
    log:
        f"{STUDY}/logs/train_component/unet.log",
    benchmark:
        f"{STUDY}/benchmarks/train_component/unet.tsv"
    priority: 10
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=16000,
        runtime=720,
        gpu=training_gpus(config),
    params:
        version=VERSIONS["training"],
        settings=TRAINED.get("diffusion"),
        diffusion=config["diffusion"],
        seed=config["seed"],
        state=f"{STUDY}/state/train_component/unet",
    script:
        "../scripts/pretrain_diffusion.py"
