# REQUIRED INPUTS: a diffusion model, CLAP, VAE, vocoder, embeddings of the prompts; the real clips.
# OUTPUTS: <study>/systems/<dataset>/<system>/clips/*.wav and clips.json
rule sample:
    """Generate the evaluation clips of {dataset} with {system}."""
    input:
        unet=unet_of,
        clap=model("clap"),
        vae=model("vae"),
        vocoder=model("vocoder"),
        text=rules.embed_text.output,
        embeddings=lambda w: (shards(w.dataset, "clap") if test_condition(w) == "audio" else []),
        manifest=rules.make_manifest.output.manifest,
        audio=lambda w: shards(w.dataset, "audio"),
    output:
        clips=directory(f"{SYSTEM}/clips"),
        provenance=f"{SYSTEM}/clips.json",
    log:
        f"{STUDY}/logs/sample/{{dataset}}-{{system}}.log",
    benchmark:
        f"{STUDY}/benchmarks/sample/{{dataset}}-{{system}}.tsv"
    wildcard_constraints:
        system=r"baseline-(audio|text)|(scratch|pretrained)-(audio|text)-\d{7}",
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=12000,
        runtime=480,
        gpu=RUNTIME["gpus_per_job"],
    params:
        version=VERSIONS["sampling"],
        condition=test_condition,
        generated_duration=lambda w: dataset(w.dataset)["generated_duration"],
        sampling=config["sampling"],
        diffusion=config["diffusion"],
        seed=config["seed"],
        state=f"{STUDY}/state/sample/{{dataset}}-{{system}}",
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
    wildcard_constraints:
        system="|".join(CORRUPTION_KEYS),
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=8000,
        runtime=120,
        gpu=RUNTIME["gpus_per_job"],
    params:
        version=VERSIONS["corrupt"],
        kind=lambda w: w.system.removeprefix("corrupted-"),
        figure1=lambda w: {key: config["figure1"][key] for key in CORRUPTION_KEYS[w.system]},
        nominal_duration=lambda w: dataset(w.dataset)["nominal_duration"],
        sample_rate=config["audio"]["sample_rate"],
        mel=config["mel"],
        seed=config["seed"],
        state=f"{STUDY}/state/corrupt/{{dataset}}-{{system}}",
    script:
        "../scripts/corrupt.py"
