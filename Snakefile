# The study as one workflow. `snakemake --cores 8 all_tables` runs the paper's (config/config.yaml);
# `--configfile config/mini.yaml` runs the miniature. `snakemake` alone says what can be asked for.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.10")


configfile: Path(workflow.basedir) / "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/audio.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/components.smk"
include: "workflow/rules/checks.smk"
include: "workflow/rules/embeddings.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/systems.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/preflight.smk"
include: "workflow/rules/terminal.smk"


# On a cluster these stay where Snakemake runs: they take seconds, or need the network, which
# compute nodes seldom have.
localrules:
    targets,
    all,
    all_tables,
    all_figures,
    report,
    check_data,
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


rule targets:
    """Say what can be asked for, and do nothing."""
    default_target: True
    input:
        say_targets,


rule check_data:
    """Look at the clips of every dataset before any long job: a page each, with what was found."""
    input:
        expand(rules.check_dataset.output, dataset=DATASETS),


# The metrics are targets too: one that was deleted is made again, and the tables with it.
rule all:
    """Tables, figures, report: the whole study."""
    input:
        rules.check_data.input,
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
    """Tables I and II, the benchmark table."""
    input:
        rules.tables.input.table1,
        rules.tables.input.table2,
        rules.tables.input.bounds,
        metrics_files(FOREIGN),
        rules.tables.output,
        rules.benchmark_table.input,
        rules.benchmark_table.output,


rule all_figures:
    """Figures 1 and 2."""
    input:
        rules.corruption_metrics.output,
        rules.figure2.input,
        rules.figure1.output,
        rules.figure2.output,


rule report:
    """report.html, and with it tables and figures."""
    input:
        rules.write_report.output,
