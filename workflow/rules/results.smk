# REQUIRED INPUTS: metrics.json of every system, fig1.csv; clips, curves and quality figures to show.
# OUTPUTS: <study>/systems/<dataset>/comparison.json, <study>/tables/*, <study>/figures/*,
#   <study>/report.html
FIGURE2 = config["figure2"]["dataset"]
FIGURE2_SYSTEMS = [(FIGURE2, system) for system in run_systems(FIGURE2)]
TABLED = [d for d in DATASETS if d in config["table1"]["datasets"] + config["table2"]["datasets"]]
BOUNDED = [(d, bound) for d in TABLED for bound in BOUNDS]
# how tables and report write other people's systems
LABELS = {name: its.get("label", name) for name, its in config["systems"].items()}
FOREIGN = [(d, system) for d in TABLED for system in foreign_systems(d)]
SHOWN = [(d, "real") for d in DATASETS] + table1_systems() + table2_systems() + FOREIGN
# the systems whose values the report's tables show
REPORTED = table1_systems() + table2_systems() + BOUNDED + FOREIGN
SEGMENTS = [
    (d, initialisation, condition, step)
    for d in config["table2"]["datasets"]
    for initialisation in config["training"]["initialisations"]
    for condition in config["training"]["conditions"]
    for step in steps(d)
]
# where Snakemake's own report puts what, with the captions in workflow/report/
TABLES = {"category": "1. Tables"}
FIGURES = {"category": "2. Figures"}
WHOLE = {"category": "3. The study on one page"}


rule tables:
    """Tables I and II with the paper's values beside ours, between floor and ceiling."""
    input:
        table1=metrics_files(table1_systems()),
        table2=metrics_files(table2_systems()),
        validation=validated(table2_systems()),
        bounds=metrics_files(BOUNDED),
        manifests=[f"{STUDY}/data/{name}/manifest.csv" for name in TABLED],
        missing=[f"{STUDY}/data/{name}/missing.csv" for name in TABLED],
        audio=[shards(name, "audio") for name in TABLED],
    output:
        table1=report(
            multiext(f"{STUDY}/tables/table1", ".csv", ".md", ".tex"),
            caption="../report/table1.rst",
            **TABLES,
        ),
        table2=report(
            multiext(f"{STUDY}/tables/table2", ".csv", ".md", ".tex"),
            caption="../report/table2.rst",
            **TABLES,
        ),
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
        bounds=BOUNDED,
        datasets=TABLED,
        shards=[dataset(name)["shards"] for name in TABLED],
        select_by=config["table2"]["select_by"],
        select_on=config["table2"]["select_on"],
    script:
        "../scripts/make_tables.py"


rule compare_systems:
    """Score and rank all systems on {dataset}, each run's chosen checkpoint, on the same clips."""
    input:
        metrics=lambda w: metrics_files((w.dataset, s) for s in compared_systems(w.dataset)),
        features=lambda w: [
            path for s in ["real", *compared_systems(w.dataset)] for path in features(w.dataset, s)
        ],
        text=f"{STUDY}/data/{{dataset}}/text.h5" if CLAP_SCORE else [],
        validation=lambda w: validated(s for s in table2_systems() if s[0] == w.dataset),
    output:
        f"{STUDY}/systems/{{dataset}}/comparison.json",
    log:
        f"{STUDY}/logs/compare_systems/{{dataset}}.log",
    benchmark:
        f"{STUDY}/benchmarks/compare_systems/{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        version=VERSIONS["comparison"],
        systems=lambda w: compared_systems(w.dataset),
        bounds=BOUNDS,
        backbones=BACKBONES,
        metrics=METRICS,
        select_by=config["table2"]["select_by"],
        select_on=config["table2"]["select_on"][0],
        runs=lambda w: [s for d, s in table2_systems() if d == w.dataset],
        seed=config["seed"],
    script:
        "../scripts/compare_systems.py"


rule benchmark_table:
    """All systems of every dataset by rank, with what is beyond chance."""
    input:
        expand(rules.compare_systems.output, dataset=TABLED),
    output:
        report(
            multiext(f"{STUDY}/tables/benchmark", ".csv", ".md", ".tex"),
            caption="../report/benchmark.rst",
            **TABLES,
        ),
    log:
        f"{STUDY}/logs/benchmark_table.log",
    benchmark:
        f"{STUDY}/benchmarks/benchmark_table.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        version=VERSIONS["tables"],
        datasets=TABLED,
        labels=LABELS,
    script:
        "../scripts/make_benchmark_table.py"


rule figure1:
    """Figure 1, for print."""
    input:
        table=rules.corruption_metrics.output.table,
    output:
        report(
            expand(f"{STUDY}/figures/fig1.{{format}}", format=FORMATS),
            caption="../report/figure1.rst",
            **FIGURES,
        ),
    log:
        f"{STUDY}/logs/figure1.log",
    benchmark:
        f"{STUDY}/benchmarks/figure1.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        version=VERSIONS["figures"],
    script:
        "../scripts/make_figure1.py"


rule figure2:
    """Figure 2, for print."""
    input:
        metrics_files(FIGURE2_SYSTEMS),
    output:
        report(
            expand(f"{STUDY}/figures/fig2.{{format}}", format=[*FORMATS, "csv"]),
            caption="../report/figure2.rst",
            **FIGURES,
        ),
    log:
        f"{STUDY}/logs/figure2.log",
    benchmark:
        f"{STUDY}/benchmarks/figure2.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        version=VERSIONS["figures"],
        systems=FIGURE2_SYSTEMS,
    script:
        "../scripts/make_figure2.py"


rule write_report:
    """Everything on one page that opens from disk: tables, figures, sounds, provenance."""
    input:
        tables=rules.tables.output,
        benchmark=rules.benchmark_table.output,
        figures=rules.figure1.output + rules.figure2.output,
        figure1=rules.corruption_metrics.output,
        metrics=metrics_files(REPORTED),
        systems=[f"{STUDY}/systems/{d}/{system}/clips.json" for d, system in SHOWN],
        runs=[f"{STUDY}/runs/{d}/{i}-{c}/step-{step:07d}" for d, i, c, step in SEGMENTS],
        missing=[f"{STUDY}/data/{name}/missing.csv" for name in DATASETS],
        audio=[shards(name, "audio") for name in DATASETS],
        components=[model(name) for name in COMPONENTS],
    output:
        report(
            f"{STUDY}/report.html",
            caption="../report/page.rst",
            **WHOLE,
        ),
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
        foreign=LABELS,
        runs=[(d, i, c) for d, i, c, _ in SEGMENTS],
        sounds_per_dataset=config["report"]["sounds_per_dataset"],
        rows=REPORTED,
        benchmarks=own_benchmarks() + shared_benchmarks(),
        gpu_keys=gpu_keys(),
    script:
        "../scripts/write_report.py"
