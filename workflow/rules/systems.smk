# REQUIRED INPUTS: a diffusion model, CLAP, VAE, vocoder, embeddings of the prompts; the real clips,
#                  the waveform stores; folders of other people's systems.
# OUTPUTS: <study>/systems/<dataset>/<system>/clips/*.wav and clips.json; of the study's own systems
#          candidates/*.wav, the losing candidates of a few clips. These are no declared output: runs of
#          versions without them would lose what Snakemake knows of them, and redo nothing any more.
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
        runtime=sampling_minutes(config),
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
        vocoder=lambda w: model("vocoder") if heard_by_vocoder(w) else [],
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


rule make_bounds:
    """Floor and ceilings of {dataset}: other real clips, noise, and real clips in wrong places."""
    input:
        provenance=rules.export_reference.output.provenance,
        manifest=rules.make_manifest.output.manifest,
        audio=lambda w: shards(w.dataset, "audio"),
    output:
        clips=[directory(f"{STUDY}/systems/{{dataset}}/{bound}/clips") for bound in BOUNDS],
        provenance=[f"{STUDY}/systems/{{dataset}}/{bound}/clips.json" for bound in BOUNDS],
    log:
        f"{STUDY}/logs/make_bounds/{{dataset}}.log",
    benchmark:
        f"{STUDY}/benchmarks/make_bounds/{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        version=VERSIONS["bounds"],
        bounds=BOUNDS,
        seed=config["seed"],
        state=f"{STUDY}/state/make_bounds/{{dataset}}",
    script:
        "../scripts/make_bounds.py"


rule import_system:
    """Take over the clips of a system that is not the study's: {system} on {dataset}."""
    input:
        provenance=rules.export_reference.output.provenance,
    output:
        clips=directory(f"{SYSTEM}/clips"),
        provenance=f"{SYSTEM}/clips.json",
    log:
        f"{STUDY}/logs/import_system/{{dataset}}-{{system}}.log",
    benchmark:
        f"{STUDY}/benchmarks/import_system/{{dataset}}-{{system}}.tsv"
    wildcard_constraints:
        system="|".join(map(re.escape, config["systems"])) or "none",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        version=VERSIONS["foreign"],
        label=lambda w: config["systems"][w.system].get("label"),
        folder=foreign_folder,
        # a file that is changed, added or taken away redoes the system
        listing=lambda w: fingerprint(folder=Path(foreign_folder(w))),
        state=f"{STUDY}/state/import_system/{{dataset}}-{{system}}",
    script:
        "../scripts/import_system.py"
