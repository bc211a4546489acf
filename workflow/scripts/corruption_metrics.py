"""The metrics against the share of corrupted clips."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.evaluation.curves import figure1_table

    names = snakemake.params.backbones
    corrupted = iter(map(Path, snakemake.input.corrupted))
    reference = iter(map(Path, snakemake.input.reference))
    figure1_table(
        {
            kind: (
                {name: next(corrupted) for name in names},
                {name: next(reference) for name in names},
            )
            for kind in snakemake.params.corruptions
        },
        Path(snakemake.output[0]),
        metrics_config=snakemake.params.metrics,
        shares=snakemake.params.shares,
        seed=snakemake.params.seed,
    )
