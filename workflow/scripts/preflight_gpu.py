"""Look at the machine that GPU jobs run on, and estimate the study on it."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.preflight.checks import preflight_machine

    preflight_machine(
        snakemake.config,
        Path(snakemake.output[0]),
        threads=snakemake.threads,
        largest_memory=snakemake.params.largest_memory[0],
        largest_rule=snakemake.params.largest_memory[1],
    )
