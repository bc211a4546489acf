# The study as one workflow. `snakemake --cores 8 all_tables` runs the paper's (config/config.yaml);
# `--configfile config/mini.yaml` runs the miniature. Targets: all, all_tables, all_figures, figure1,
# figure2, report, preflight.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.10")


configfile: Path(workflow.basedir) / "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/audio.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/components.smk"
include: "workflow/rules/embeddings.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/systems.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/preflight.smk"


# On a cluster these stay where Snakemake runs: they take seconds, or need the network, which
# compute nodes seldom have.
localrules:
    all,
    all_tables,
    all_figures,
    report,
    preflight,
    preflight_downloads,
    download_list,
    download_archive,
    download_youtube,
    download_checkpoint,
    download_folder,
    download_clap,
    download_clap_folder,
    download_tokenizer,
    download_backbone,
    tables,
    benchmark_table,
    figure1,
    figure2,
    write_report,


# The metrics are targets too: one that was deleted is made again, and the tables with it.
rule all:
    default_target: True
    input:
        rules.tables.input.table1,
        rules.tables.input.table2,
        rules.tables.input.bounds,
        metrics_files(FOREIGN),
        rules.tables.output,
        rules.benchmark_table.input,
        rules.benchmark_table.output,
        rules.corruption_metrics.output,
        rules.figure1.output,
        rules.figure2.output,
        rules.write_report.output,


rule all_tables:
    input:
        rules.tables.input.table1,
        rules.tables.input.table2,
        rules.tables.input.bounds,
        metrics_files(FOREIGN),
        rules.tables.output,
        rules.benchmark_table.input,
        rules.benchmark_table.output,


rule all_figures:
    input:
        rules.corruption_metrics.output,
        rules.figure2.input,
        rules.figure1.output,
        rules.figure2.output,


rule report:
    input:
        rules.write_report.output,
