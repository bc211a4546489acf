"""Fetch and unpack a dataset that is one archive."""

import sys
from pathlib import Path

from audioldm_bench.job import job

LARGEST, MOST = 50 * 2**30, 100_000  # bytes and files that an archive may unpack to

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.downloads import download, unpack

    params, folder = snakemake.params, Path(snakemake.output[0])
    dataset = snakemake.config["datasets"][snakemake.wildcards.dataset]
    print(f"[{snakemake.wildcards.dataset}] licence: {dataset['licence']}", file=sys.stderr)
    for source in dataset["download"]:
        archive = Path(params.state) / source["url"].rsplit("/", 1)[-1]
        every = snakemake.config["runtime"]["progress_every"]
        download(
            source["url"],
            archive,
            sha256=source["sha256"],
            lock=Path(params.lock),
            state=Path(params.state) / "part",
            progress_every=every,
        )
        unpack(archive, folder, max_bytes=LARGEST, max_files=MOST, progress_every=every)
        archive.unlink()
