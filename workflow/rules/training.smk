# REQUIRED INPUTS: latents, CLAP embeddings of sound or text, the diffusion model to start from,
#                  and that the data was checked.
# OUTPUTS: <study>/runs/<dataset>/<initialisation>-<condition>/step-<n>/ (EMA weights, curves,
#          validation loss), the state of each segment beside it until the next has used it
rule train:
    """Fine-tune {initialisation} on {dataset}, {condition}-conditioned, up to step {step}."""
    input:
        checks=ancient(f"{STUDY}/data/{{dataset}}/checks.json"),
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
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=training_memory(config),
        runtime=training_minutes(config),
        gpu=training_gpus(config),
    params:
        version=VERSIONS["training"],
        segment=lambda w: [first_step(w), int(w.step)],
        unet=TRAINED.get("diffusion", {}).get("unet"),
        training={
            key: config["training"][key]
            for key in sorted(config["training"])
            if key
            not in (
                "datasets",
                "initialisations",
                "conditions",
                "steps",
                "checkpoint_every",
            )
        },
        diffusion=config["diffusion"],
        seed=config["seed"],
        state=f"{STUDY}/state/train/{{dataset}}-{{initialisation}}-{{condition}}-{{step}}",
    script:
        "../scripts/train.py"
