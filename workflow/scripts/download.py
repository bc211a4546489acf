"""Fetch one file, checked."""

from functools import reduce
from operator import getitem
from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.download_ledger import HOSTS
    from audioldm_bench.downloads import download, tell_licence

    # not a param: a checksum that is written down later fetches nothing anew
    source = reduce(getitem, snakemake.params.source, snakemake.config)
    tell_licence(snakemake.wildcards[0], source["licence"])
    download(
        source["url"],
        Path(snakemake.output[0]),
        sha256=source["sha256"],
        lock=Path(snakemake.params.lock),
        state=Path(snakemake.params.state),
        hosts=HOSTS,
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
