"""Make a synthetic dataset in the original layout."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.synthetic.corpora import write_corpus

    write_corpus(
        Path(snakemake.output[0]),
        snakemake.params.layout,
        **snakemake.params.synthetic,
        seed=snakemake.params.seed,
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
