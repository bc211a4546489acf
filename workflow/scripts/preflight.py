"""Print what was found, and refuse a study that cannot run."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.preflight.checks import preflight

    preflight([Path(path) for path in snakemake.input])
