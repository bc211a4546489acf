"""Fetch a dataset's tables, then its clips by yt-dlp."""

import sys
from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.datasets.adapters import wanted_segments
    from audioldm_bench.datasets.youtube import fetch_clips
    from audioldm_bench.downloads import download

    params, missing = snakemake.params, Path(snakemake.output[0])
    every = snakemake.config["runtime"]["progress_every"]
    dataset = snakemake.config["datasets"][snakemake.wildcards.dataset]
    print(f"[{snakemake.wildcards.dataset}] licence: {dataset['licence']}", file=sys.stderr)
    for source in dataset["download"]:
        name = source["url"].rsplit("/", 1)[-1]
        download(
            source["url"],
            missing.parent / name,
            sha256=source["sha256"],
            lock=Path(params.lock),
            state=Path(params.state) / name,
            progress_every=every,
        )
    fetch_clips(
        wanted_segments(missing.parent, params.adapter),
        missing.parent / "audio",
        missing,
        state=Path(params.state) / "clips",
        progress_every=every,
    )
