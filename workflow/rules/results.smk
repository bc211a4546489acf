# REQUIRED INPUTS: metrics.json of every system, fig1.csv; clips, curves and quality figures to show.
# OUTPUTS: <study>/tables/*, <study>/figures/*, <study>/report.html
FIGURE2 = config["figure2"]["dataset"]
FIGURE2_SYSTEMS = [(FIGURE2, system) for system in run_systems(FIGURE2)]
COMPONENTS = ["clap", "vae", "vocoder", "tagger", "embedder", "unet"] if TRAINED else []


rule tables:
    """Tables I and II with the paper's values beside ours."""
    input:
        table1=metrics_files(table1_systems()),
        table2=metrics_files(table2_systems()),
    output:
        table1=multiext(f"{STUDY}/tables/table1", ".csv", ".md", ".tex"),
        table2=multiext(f"{STUDY}/tables/table2", ".csv", ".md", ".tex"),
    log:
        f"{STUDY}/logs/tables.log",
    benchmark:
        f"{STUDY}/benchmarks/tables.tsv"
    params:
        version=VERSIONS["tables"],
        table1=table1_systems(),
        table2=table2_systems(),
        select_by=config["table2"]["select_by"],
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
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
    params:
        version=VERSIONS["figures"],
        figure2=FIGURE2_SYSTEMS,
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    script:
        "../scripts/make_figures.py"


rule write_report:
    """Everything on one page that opens from disk: tables, figures, sounds, provenance."""
    input:
        tables=rules.tables.output,
        figures=rules.figures.output,
        figure1=rules.corruption_metrics.output,
        metrics=metrics_files(table1_systems() + table2_systems()),
        missing=[f"{STUDY}/data/{name}/missing.csv" for name in DATASETS],
        audio=[shards(name, "audio") for name in DATASETS],
        components=[model(name) for name in COMPONENTS],
    output:
        f"{STUDY}/report.html",
    log:
        f"{STUDY}/logs/report.log",
    benchmark:
        f"{STUDY}/benchmarks/report.tsv"
    params:
        version=VERSIONS["report"],
        study=config["study"],
        sounds_per_dataset=config["report"]["sounds_per_dataset"],
        config=config,
    threads: 1
    resources:
        mem_mb=4000,
        runtime=20,
    script:
        "../scripts/write_report.py"
