"""Fetch a dataset's tables, then its clips by yt-dlp."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.datasets.adapters import wanted_segments
    from audioldm_bench.datasets.fetch import fetch_files
    from audioldm_bench.datasets.youtube import fetch_clips
    from audioldm_bench.download_ledger import HOSTS
    from audioldm_bench.downloads import tell_licence

    params, missing = snakemake.params, Path(snakemake.output[0])
    runtime = snakemake.config["runtime"]
    dataset = snakemake.config["datasets"][snakemake.wildcards.dataset]
    tell_licence(snakemake.wildcards.dataset, dataset["licence"])
    fetch_files(
        dataset["download"],
        missing.parent,
        lock=Path(params.lock),
        state=Path(params.state),
        hosts=HOSTS,
        progress_every=runtime["progress_every"],
    )
    fetch_clips(
        wanted_segments(missing.parent, params.adapter),
        missing.parent / "audio",
        missing,
        state=Path(params.state) / "clips",
        progress_every=runtime["progress_every"],
        **runtime["youtube"],
    )
