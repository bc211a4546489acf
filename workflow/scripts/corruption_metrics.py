"""The metrics against the share of corrupted clips."""

from pathlib import Path

from snakemake.script import snakemake

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads):
    from audioldm_bench.evaluation import figure1_table

    names = snakemake.params.backbones
    paths = iter(map(Path, snakemake.input.corrupted))
    corrupted = {
        kind: {name: next(paths) for name in names} for kind in snakemake.params.corruptions
    }
    composed = dict(zip(names, map(Path, snakemake.input.composed), strict=True))
    real = dict(zip(names, map(Path, snakemake.input.real), strict=True))
    figure1_table(
        {
            kind: (files, composed if kind == "disorder" else real)
            for kind, files in corrupted.items()
        },
        Path(snakemake.output[0]),
        metrics_config=snakemake.params.metrics,
        shares=snakemake.params.shares,
        seed=snakemake.params.seed,
    )
