"""Figure 2."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.figures import make_figure2

    systems = [system.split("-") for _, system in snakemake.params.systems]
    make_figure2(
        [
            (initialisation, condition, int(step), Path(path))
            for (initialisation, condition, step), path in zip(
                systems, snakemake.input, strict=True
            )
        ],
        {Path(path).suffix[1:]: Path(path) for path in snakemake.output},
    )
