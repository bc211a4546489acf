"""List a dataset's clips with caption, label, recording and split."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.datasets.prepare import make_manifest

    make_manifest(
        Path(snakemake.params.root),
        snakemake.params.adapter,
        dataset=snakemake.wildcards.dataset,
        seed=snakemake.params.seed,
        manifest_path=Path(snakemake.output.manifest),
        missing_path=Path(snakemake.output.missing),
    )
