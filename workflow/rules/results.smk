# REQUIRED INPUTS: metrics.json of every system, fig1.csv; clips, curves and quality figures to show.
# OUTPUTS: <study>/tables/*, <study>/figures/*, <study>/report.html
FIGURE2 = config["figure2"]["dataset"]
FIGURE2_SYSTEMS = [(FIGURE2, system) for system in run_systems(FIGURE2)]
TABLED = [d for d in DATASETS if d in config["table1"]["datasets"] + config["table2"]["datasets"]]
SHOWN = [(d, "real") for d in DATASETS] + table1_systems() + table2_systems()
SEGMENTS = [
    (d, initialisation, condition, step)
    for d in config["table2"]["datasets"]
    for initialisation in config["training"]["initialisations"]
    for condition in config["training"]["conditions"]
    for step in steps(d)
]
COMPONENTS = ["clap", "vae", "vocoder", "tagger", "embedder", "unet"] if TRAINED else []


rule tables:
    """Tables I and II with the paper's values beside ours."""
    input:
        table1=metrics_files(table1_systems()),
        table2=metrics_files(table2_systems()),
        manifests=[f"{STUDY}/data/{name}/manifest.csv" for name in TABLED],
        missing=[f"{STUDY}/data/{name}/missing.csv" for name in TABLED],
        audio=[shards(name, "audio") for name in TABLED],
    output:
        table1=multiext(f"{STUDY}/tables/table1", ".csv", ".md", ".tex"),
        table2=multiext(f"{STUDY}/tables/table2", ".csv", ".md", ".tex"),
    log:
        f"{STUDY}/logs/tables.log",
    benchmark:
        f"{STUDY}/benchmarks/tables.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        version=VERSIONS["tables"],
        table1=table1_systems(),
        table2=table2_systems(),
        datasets=TABLED,
        shards=[dataset(name)["shards"] for name in TABLED],
        select_by=config["table2"]["select_by"],
    script:
        "../scripts/make_tables.py"


rule figures:
    """Figures 1 and 2, for print."""
    input:
        figure1=rules.corruption_metrics.output,
        figure2=metrics_files(FIGURE2_SYSTEMS),
    output:
        figure1=expand(f"{STUDY}/figures/fig1.{{format}}", format=FORMATS),
        figure2=expand(f"{STUDY}/figures/fig2.{{format}}", format=[*FORMATS, "csv"]),
    log:
        f"{STUDY}/logs/figures.log",
    benchmark:
        f"{STUDY}/benchmarks/figures.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        version=VERSIONS["figures"],
        figure2=FIGURE2_SYSTEMS,
    script:
        "../scripts/make_figures.py"


rule write_report:
    """Everything on one page that opens from disk: tables, figures, sounds, provenance."""
    input:
        tables=rules.tables.output,
        figures=rules.figures.output,
        figure1=rules.corruption_metrics.output,
        systems=[f"{STUDY}/systems/{d}/{system}/clips.json" for d, system in SHOWN],
        runs=[f"{STUDY}/runs/{d}/{i}-{c}/step-{step:07d}" for d, i, c, step in SEGMENTS],
        missing=[f"{STUDY}/data/{name}/missing.csv" for name in DATASETS],
        audio=[shards(name, "audio") for name in DATASETS],
        components=[model(name) for name in COMPONENTS],
    output:
        f"{STUDY}/report.html",
    log:
        f"{STUDY}/logs/report.log",
    benchmark:
        f"{STUDY}/benchmarks/report.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    params:
        version=VERSIONS["report"],
        study=config["study"],
        config={key: config[key] for key in sorted(config) if key != "runtime"},
        datasets=DATASETS,
        shards=[dataset(name)["shards"] for name in DATASETS],
        systems=SHOWN,
        runs=[(d, i, c) for d, i, c, _ in SEGMENTS],
        sounds_per_dataset=config["report"]["sounds_per_dataset"],
        benchmarks=f"{STUDY}/benchmarks",
    script:
        "../scripts/write_report.py"
