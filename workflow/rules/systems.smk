# REQUIRED INPUTS: a diffusion model, CLAP, VAE, vocoder, embeddings of the prompts; the real clips.
# OUTPUTS: <study>/systems/<dataset>/<system>/clips/*.wav and clips.json
SYSTEM = f"{STUDY}/systems/{{dataset}}/{{system}}"


def unet_of(wildcards):
    """The diffusion model behind a system's name."""
    if wildcards.system.startswith("baseline-"):
        return model("unet")
    run, step = wildcards.system.rsplit("-", 1)
    return f"{STUDY}/runs/{wildcards.dataset}/{run}/step-{step}"


def test_condition(wildcards):
    """What a system is given when it samples: always text, but for the audio baseline."""
    return "audio" if wildcards.system == "baseline-audio" else "text"


rule sample:
    """Generate the evaluation clips of {dataset} with {system}."""
    input:
        unet=unet_of,
        clap=model("clap"),
        vae=model("vae"),
        vocoder=model("vocoder"),
        text=rules.embed_text.output,
        audio=lambda w: shards(w.dataset, "clap") if test_condition(w) == "audio" else [],
        reference=rules.export_reference.output.provenance,
    output:
        clips=directory(f"{SYSTEM}/clips"),
        provenance=f"{SYSTEM}/clips.json",
    log:
        f"{STUDY}/logs/sample/{{dataset}}-{{system}}.log",
    benchmark:
        f"{STUDY}/benchmarks/sample/{{dataset}}-{{system}}.tsv"
    params:
        version=VERSIONS["sampling"],
        condition=test_condition,
        generated_duration=lambda w: dataset(w.dataset)["generated_duration"],
        sampling=config["sampling"],
        diffusion=config["diffusion"],
        audio=config["audio"],
        mel=config["mel"],
        clap=config["models"]["clap"],
        seed=config["seed"],
        state=f"{STUDY}/state/sample/{{dataset}}-{{system}}",
    threads: RUNTIME["threads"]
    resources:
        mem_mb=12000,
        runtime=480,
        gpu=RUNTIME["gpus_per_job"],
    wildcard_constraints:
        system=r"baseline-(audio|text)|(scratch|pretrained)-(audio|text)-\d{7}",
    script:
        "../scripts/sample.py"


rule corrupt:
    """Damage every real evaluation clip of {dataset} in one way: {system}."""
    input:
        clips=rules.export_reference.output.clips,
        provenance=rules.export_reference.output.provenance,
        manifest=rules.make_manifest.output.manifest,
        vocoder=model("vocoder"),
    output:
        clips=directory(f"{SYSTEM}/clips"),
        provenance=f"{SYSTEM}/clips.json",
    log:
        f"{STUDY}/logs/corrupt/{{dataset}}-{{system}}.log",
    benchmark:
        f"{STUDY}/benchmarks/corrupt/{{dataset}}-{{system}}.tsv"
    params:
        version=VERSIONS["corrupt"],
        kind=lambda w: w.system.removeprefix("corrupted-"),
        figure1={
            key: config["figure1"][key]
            for key in sorted(config["figure1"])
            if key not in ("dataset", "shares")
        },
        nominal_duration=lambda w: dataset(w.dataset)["nominal_duration"],
        audio=config["audio"],
        mel=config["mel"],
        seed=config["seed"],
        state=f"{STUDY}/state/corrupt/{{dataset}}-{{system}}",
    threads: RUNTIME["threads"]
    resources:
        mem_mb=8000,
        runtime=120,
        gpu=RUNTIME["gpus_per_job"],
    wildcard_constraints:
        system="composed|" + "|".join(f"corrupted-{kind}" for kind in CORRUPTIONS),
    script:
        "../scripts/corrupt.py"
