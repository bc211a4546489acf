"""Fetch one file, checked."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads):
    from audioldm_bench.downloads import download

    source = snakemake.params.source
    download(
        source["url"],
        Path(snakemake.output[0]),
        sha256=source["sha256"],
        lock=Path(snakemake.params.lock),
        state=Path(snakemake.params.state),
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
