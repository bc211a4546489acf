# REQUIRED INPUTS: manifest.csv, missing.csv and audio shards of a dataset, its folder.
# OUTPUTS: <study>/data/<dataset>/{checks.json,check.html}
# Training waits for checks.json as an ancient input: a check that is made anew, for its page's look
# or a threshold, retrains nothing.
LEARNT = {*config["table2"]["datasets"], config["figure2"]["dataset"], CORPUS}


rule check_dataset:
    """Look at the clips of {dataset} before any long job: broken, silent, cut, doubled, unnamed."""
    input:
        manifest=rules.make_manifest.output.manifest,
        missing=rules.make_manifest.output.missing,
        audio=lambda w: shards(w.dataset, "audio"),
    output:
        checks=f"{STUDY}/data/{{dataset}}/checks.json",
        page=f"{STUDY}/data/{{dataset}}/check.html",
    log:
        f"{STUDY}/logs/check_dataset/{{dataset}}.log",
    benchmark:
        f"{STUDY}/benchmarks/check_dataset/{{dataset}}.tsv"
    priority: 20
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        version=VERSIONS["checks"],
        root=lambda w: raw_root(w.dataset),
        settings=lambda w: {
            "dataset": w.dataset,
            "sample_rate": config["audio"]["sample_rate"],
            "duration": config["audio"]["duration"],
            "nominal_duration": dataset(w.dataset)["nominal_duration"],
            "caption_template": dataset(w.dataset)["caption_template"],
            "trained": w.dataset in LEARNT,
            "validation": dataset(w.dataset)["split"]["validation"] > 0,
        },
        mel=config["mel"],
        state=f"{STUDY}/state/check_dataset/{{dataset}}",
    script:
        "../scripts/check_data.py"
