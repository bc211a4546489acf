# REQUIRED INPUTS: none, or a folder of the user's.
# OUTPUTS: resources/lists/*, resources/datasets/<dataset> or <study>/world/<dataset>,
#          <study>/data/<dataset>/{manifest,missing}.csv


rule download_list:
    """Fetch an evaluation list of the authors': resources/lists/{name}."""
    output:
        "resources/lists/{name}",
    log:
        "resources/logs/download_list/{name}.log",
    benchmark:
        "resources/benchmarks/download_list/{name}.tsv"
    wildcard_constraints:
        name="|".join(config["lists"]),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=60,
        downloads=1,
    params:
        source=lambda w: ["lists", w.name],
        lock="config/checksums.json",
        state="resources/state/download_list/{name}",
    script:
        "../scripts/download.py"


rule download_archive:
    """Fetch and unpack a dataset's archives: resources/datasets/{dataset}."""
    output:
        directory("resources/datasets/{dataset}"),
    log:
        "resources/logs/download_archive/{dataset}.log",
    benchmark:
        "resources/benchmarks/download_archive/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(ARCHIVES) or "none",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=480,
        downloads=1,
    params:
        lock="config/checksums.json",
        state="resources/state/download_archive/{dataset}",
    script:
        "../scripts/download_archive.py"


rule download_youtube:
    """Fetch a dataset's tables, and its clips by yt-dlp: what is missing in {dataset}.

    The clips stand beside the list that is the output: were they declared, a failure would take
    days of downloads with it.
    """
    input:
        evaluation_list=lambda w: evaluation_list(w.dataset),
    output:
        "resources/datasets/{dataset}/missing.csv",
    log:
        "resources/logs/download_youtube/{dataset}.log",
    benchmark:
        "resources/benchmarks/download_youtube/{dataset}.tsv"
    wildcard_constraints:
        dataset="|".join(YOUTUBE) or "none",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=2880,
        downloads=1,
        youtube=1,
    params:
        adapter=lambda w: {key: adapter(w)[key] for key in ("adapter", "evaluation_list")},
        lock="config/checksums.json",
        state="resources/state/download_youtube/{dataset}",
    script:
        "../scripts/download_youtube.py"


rule synthesise_dataset:
    """Make a dataset of synthetic sounds in the original layout: {dataset}."""
    output:
        directory(f"{STUDY}/world/{{dataset}}"),
    log:
        f"{STUDY}/logs/synthesise/{{dataset}}.log",
    benchmark:
        f"{STUDY}/benchmarks/synthesise/{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        version=VERSIONS["synthesise"],
        layout=lambda w: dataset(w.dataset)["adapter"],
        synthetic=lambda w: dataset(w.dataset).get("synthetic"),
        seed=config["seed"],
    script:
        "../scripts/synthesise.py"


rule make_manifest:
    """List the clips of {dataset} with caption, label, recording and split."""
    input:
        raw=lambda w: raw_files(w.dataset),
        evaluation_list=lambda w: evaluation_list(w.dataset),
    output:
        manifest=f"{STUDY}/data/{{dataset}}/manifest.csv",
        missing=f"{STUDY}/data/{{dataset}}/missing.csv",
    log:
        f"{STUDY}/logs/manifest/{{dataset}}.log",
    benchmark:
        f"{STUDY}/benchmarks/manifest/{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        version=VERSIONS["manifest"],
        root=lambda w: raw_root(w.dataset),
        adapter=adapter,
        seed=config["seed"],
    script:
        "../scripts/make_manifest.py"
