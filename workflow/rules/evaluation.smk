# REQUIRED INPUTS: folders of clips, the weights of the feature backbones.
# OUTPUTS: <study>/systems/<dataset>/<system>/features/*.h5 and metrics.json, <study>/figures/fig1.csv
rule extract_features:
    """Decode the clips of {system} on {dataset} once and embed them with every backbone."""
    input:
        clips=f"{SYSTEM}/clips",
        provenance=f"{SYSTEM}/clips.json",
        weights=[backbone(name) for name in BACKBONES],
    output:
        expand(
            f"{SYSTEM}/features/{{backbone}}.h5",
            backbone=BACKBONES,
            allow_missing=True,
        ),
    log:
        f"{STUDY}/logs/features/{{dataset}}-{{system}}.log",
    benchmark:
        f"{STUDY}/benchmarks/features/{{dataset}}-{{system}}.tsv"
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=RUNTIME["gpus_per_job"],
    params:
        version=VERSIONS["features"],
        backbones=BACKBONES,
        sample_rate=config["audio"]["sample_rate"],
        nominal_duration=lambda w: dataset(w.dataset)["nominal_duration"],
        minimum_duration=config["metrics"]["minimum_duration"],
        state=f"{STUDY}/state/features/{{dataset}}-{{system}}",
    script:
        "../scripts/extract_features.py"


# CLAP score compares sounds with their captions
CLAP_SCORE = any(parse_name(name)[0] == "clap_score" for name in METRICS["also"])


rule compute_metrics:
    """The metrics of {system} against the real clips of {dataset}, with their intervals."""
    input:
        generated=lambda w: features(w.dataset, w.system),
        reference=lambda w: features(w.dataset, "real"),
        text=f"{STUDY}/data/{{dataset}}/text.h5" if CLAP_SCORE else [],
        provenance=f"{SYSTEM}/clips.json",
    output:
        f"{SYSTEM}/metrics.json",
    log:
        f"{STUDY}/logs/metrics/{{dataset}}-{{system}}.log",
    benchmark:
        f"{STUDY}/benchmarks/metrics/{{dataset}}-{{system}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        version=VERSIONS["metrics"],
        backbones=BACKBONES,
        metrics=METRICS,
        seed=config["seed"],
    script:
        "../scripts/compute_metrics.py"


FIGURE1 = config["figure1"]["dataset"]


rule corruption_metrics:
    """The metrics against the share of corrupted clips, and the paper's claims beside them."""
    input:
        corrupted=[features(FIGURE1, f"corrupted-{kind}") for kind in CORRUPTIONS],
        reference=[features(FIGURE1, reference) for reference in CORRUPTIONS.values()],
    output:
        table=f"{STUDY}/figures/fig1.csv",
        claims=multiext(f"{STUDY}/figures/fig1_claims", ".csv", ".md"),
    log:
        f"{STUDY}/logs/corruption_metrics.log",
    benchmark:
        f"{STUDY}/benchmarks/corruption_metrics.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        version=VERSIONS["curves"],
        backbones=BACKBONES,
        corruptions=list(CORRUPTIONS),
        metrics=METRICS,
        shares=config["figure1"]["shares"],
        orders=config["figure1"]["orders"],
        seed=config["seed"],
    script:
        "../scripts/corruption_metrics.py"
