"""Fetch and unpack a dataset's files."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.datasets.fetch import fetch_folder
    from audioldm_bench.download_ledger import HOSTS
    from audioldm_bench.downloads import tell_licence

    dataset = snakemake.config["datasets"][snakemake.wildcards.dataset]
    tell_licence(snakemake.wildcards.dataset, dataset["licence"])
    fetch_folder(
        dataset["download"],
        Path(snakemake.output[0]),
        lock=Path(snakemake.params.lock),
        state=Path(snakemake.params.state),
        hosts=HOSTS,
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
