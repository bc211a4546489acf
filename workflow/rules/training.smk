# REQUIRED INPUTS: latents, CLAP embeddings of sound or text, the diffusion model to start from.
# OUTPUTS: <study>/runs/<dataset>/<initialisation>-<condition>/step-<n>/ (EMA weights), the state of
#          each segment beside it until the next has used it
RUN = f"{STUDY}/runs/{{dataset}}/{{initialisation}}-{{condition}}"


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
        return f"{STUDY}/data/{wildcards.dataset}/text.h5"
    return shards(wildcards.dataset, "clap")


rule train:
    """Fine-tune {initialisation} on {dataset}, {condition}-conditioned, up to step {step}."""
    input:
        start=start_of_segment,
        conditions=conditions,
        latents=lambda w: shards(w.dataset, "latents"),
        manifest=rules.make_manifest.output.manifest,
        vae=model("vae"),
    output:
        checkpoint=directory(f"{RUN}/step-{{step}}"),
        state=temp(directory(f"{RUN}/state-{{step}}")),
    log:
        f"{STUDY}/logs/train/{{dataset}}-{{initialisation}}-{{condition}}-{{step}}.log",
    benchmark:
        f"{STUDY}/benchmarks/train/{{dataset}}-{{initialisation}}-{{condition}}-{{step}}.tsv"
    params:
        version=VERSIONS["training"],
        first_step=first_step,
        unet=TRAINED.get("diffusion", {}).get("unet"),
        training={
            key: config["training"][key]
            for key in sorted(config["training"])
            if key
            not in ("datasets", "initialisations", "conditions", "steps", "checkpoint_every")
        },
        diffusion=config["diffusion"],
        seed=config["seed"],
        state=f"{STUDY}/state/train/{{dataset}}-{{initialisation}}-{{condition}}-{{step}}",
    threads: RUNTIME["threads"]
    resources:
        mem_mb=16000,
        runtime=720,
        gpu=RUNTIME["gpus_per_job"],
    script:
        "../scripts/train.py"
