"""Write floor and ceilings as systems like any other."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.systems.bounds import make_bounds

    make_bounds(
        Path(snakemake.input.manifest),
        [Path(path) for path in snakemake.input.audio],
        Path(snakemake.input.provenance),
        dict(
            zip(
                snakemake.params.bounds,
                [Path(path).parent for path in snakemake.output.clips],
                strict=True,
            )
        ),
        dataset=snakemake.wildcards.dataset,
        seed=snakemake.params.seed,
        state=Path(snakemake.params.state),
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
