"""The metrics against the share of corrupted clips, and the paper's claims beside them."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.evaluation.figure1 import write_figure1

    names = snakemake.params.backbones
    corrupted = iter(map(Path, snakemake.input.corrupted))
    reference = iter(map(Path, snakemake.input.reference))
    write_figure1(
        {
            kind: (
                {name: next(corrupted) for name in names},
                {name: next(reference) for name in names},
            )
            for kind in snakemake.params.corruptions
        },
        Path(snakemake.output.table),
        {Path(path).suffix[1:]: Path(path) for path in snakemake.output.claims},
        metrics_config=snakemake.params.metrics,
        shares=snakemake.params.shares,
        orders=snakemake.params.orders,
        seed=snakemake.params.seed,
    )
