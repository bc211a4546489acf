"""Fetch the files of a hub's model folder, each checked."""

from functools import reduce
from operator import getitem
from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.download_ledger import HOSTS
    from audioldm_bench.downloads import tell_licence
    from audioldm_bench.hub import download_folder

    # not a param: a checksum that is written down later fetches nothing anew
    source = reduce(getitem, snakemake.params.source, snakemake.config)
    tell_licence(source["repository"], source["licence"])
    download_folder(
        source,
        snakemake.params.files,
        Path(snakemake.output[0]),
        endpoint=snakemake.config["models"]["published"]["endpoint"],
        lock=Path(snakemake.params.lock),
        state=Path(snakemake.params.state),
        hosts=HOSTS,
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
