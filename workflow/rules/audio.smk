# REQUIRED INPUTS: manifest.csv and the dataset's folder.
# OUTPUTS: <study>/data/<dataset>/audio/shard-<n>.h5, <study>/systems/<dataset>/real/
rule resample:
    """Decode a shard of {dataset}: first channel, at the study's rate."""
    input:
        manifest=rules.make_manifest.output.manifest,
    output:
        f"{STUDY}/data/{{dataset}}/audio/shard-{{shard}}.h5",
    log:
        f"{STUDY}/logs/resample/{{dataset}}-{{shard}}.log",
    benchmark:
        f"{STUDY}/benchmarks/resample/{{dataset}}-{{shard}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        version=VERSIONS["resample"],
        root=lambda w: raw_root(w.dataset),
        audio=config["audio"],
        seed=config["seed"],
        state=f"{STUDY}/state/resample/{{dataset}}-{{shard}}",
    script:
        "../scripts/resample.py"


rule export_reference:
    """Write the real evaluation clips of {dataset} as a system like any other."""
    input:
        manifest=rules.make_manifest.output.manifest,
        audio=lambda w: shards(w.dataset, "audio"),
    output:
        clips=directory(f"{STUDY}/systems/{{dataset}}/real/clips"),
        provenance=f"{STUDY}/systems/{{dataset}}/real/clips.json",
    log:
        f"{STUDY}/logs/export_reference/{{dataset}}.log",
    benchmark:
        f"{STUDY}/benchmarks/export_reference/{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        version=VERSIONS["resample"],
        state=f"{STUDY}/state/export_reference/{{dataset}}",
    script:
        "../scripts/export_reference.py"
