# REQUIRED INPUTS: none, or a folder of the user's.
# OUTPUTS: resources/lists/*, resources/datasets/<dataset> or <study>/world/<dataset>,
#          <study>/data/<dataset>/{manifest,missing}.csv
ARCHIVES = [n for n in DATASETS if dataset(n)["adapter"] in ("esc50", "urbansound8k")]
YOUTUBE = [n for n in DATASETS if dataset(n)["adapter"] in ("audiocaps", "audioset")]


rule download_list:
    """Fetch an evaluation list of the authors': resources/lists/{name}."""
    output:
        "resources/lists/{name}",
    log:
        "resources/logs/download_list/{name}.log",
    benchmark:
        "resources/benchmarks/download_list/{name}.tsv"
    params:
        source=lambda w: config["lists"][w.name],
        lock="config/checksums.json",
    threads: 1
    resources:
        mem_mb=500,
        runtime=60,
    wildcard_constraints:
        name="|".join(config["lists"]),
    script:
        "../scripts/download.py"


rule download_archive:
    """Fetch and unpack a dataset that is one archive: resources/datasets/{dataset}."""
    output:
        directory("resources/datasets/{dataset}"),
    log:
        "resources/logs/download_archive/{dataset}.log",
    benchmark:
        "resources/benchmarks/download_archive/{dataset}.tsv"
    params:
        files=lambda w: dataset(w.dataset)["download"],
        licence=lambda w: dataset(w.dataset)["licence"],
        lock="config/checksums.json",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=480,
    wildcard_constraints:
        dataset="|".join(ARCHIVES) or "none",
    script:
        "../scripts/download_archive.py"


rule download_youtube:
    """Fetch a dataset's tables, and its clips by yt-dlp: resources/datasets/{dataset}."""
    input:
        evaluation_list=lambda w: evaluation_list(w.dataset),
    output:
        directory("resources/datasets/{dataset}"),
    log:
        "resources/logs/download_youtube/{dataset}.log",
    benchmark:
        "resources/benchmarks/download_youtube/{dataset}.tsv"
    params:
        dataset=lambda w: dataset(w.dataset),
        lock="config/checksums.json",
    threads: 2
    resources:
        mem_mb=2000,
        runtime=2880,
    wildcard_constraints:
        dataset="|".join(YOUTUBE) or "none",
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
    params:
        version=VERSIONS["synthesise"],
        layout=lambda w: dataset(w.dataset)["adapter"],
        synthetic=lambda w: dataset(w.dataset).get("synthetic"),
        seed=config["seed"],
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    script:
        "../scripts/synthesise.py"


rule make_manifest:
    """List the clips of {dataset} with caption, label, recording and split."""
    input:
        root=lambda w: raw_root(w.dataset),
        evaluation_list=lambda w: evaluation_list(w.dataset),
    output:
        manifest=f"{STUDY}/data/{{dataset}}/manifest.csv",
        missing=f"{STUDY}/data/{{dataset}}/missing.csv",
    log:
        f"{STUDY}/logs/manifest/{{dataset}}.log",
    benchmark:
        f"{STUDY}/benchmarks/manifest/{{dataset}}.tsv"
    params:
        version=VERSIONS["manifest"],
        adapter=lambda w: {
            key: dataset(w.dataset).get(key)
            for key in ("adapter", "table", "split", "evaluation_list", "shards")
        },
        seed=config["seed"],
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    script:
        "../scripts/make_manifest.py"
