"""Ask for what the study still has to download."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.preflight.checks import preflight_downloads

    preflight_downloads(snakemake.config, Path(snakemake.output[0]))
