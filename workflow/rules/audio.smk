# REQUIRED INPUTS: manifest.csv and the dataset's folder.
# OUTPUTS: <study>/data/<dataset>/audio/shard-<n>.h5, <study>/systems/<dataset>/real/
rule resample:
    """Decode a shard of {dataset}: first channel, at the study's rate."""
    input:
        manifest=rules.make_manifest.output.manifest,
        root=lambda w: raw_root(w.dataset),
    output:
        f"{STUDY}/data/{{dataset}}/audio/shard-{{shard}}.h5",
    log:
        f"{STUDY}/logs/resample/{{dataset}}-{{shard}}.log",
    benchmark:
        f"{STUDY}/benchmarks/resample/{{dataset}}-{{shard}}.tsv"
    params:
        version=VERSIONS["resample"],
        audio=config["audio"],
        seed=config["seed"],
        state=f"{STUDY}/state/resample/{{dataset}}-{{shard}}",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
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
    params:
        version=VERSIONS["resample"],
        state=f"{STUDY}/state/export_reference/{{dataset}}",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    script:
        "../scripts/export_reference.py"
