"""The benchmark table."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.tables import make_benchmark_table

    make_benchmark_table(
        dict(zip(snakemake.params.datasets, map(Path, snakemake.input), strict=True)),
        {Path(path).suffix[1:]: Path(path) for path in snakemake.output},
        labels=snakemake.params.labels,
    )
