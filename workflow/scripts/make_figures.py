"""Figures 1 and 2."""

from pathlib import Path

from audioldm_bench.job import job


def by_suffix(paths):
    return {Path(path).suffix[1:]: Path(path) for path in paths}


with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.figures import make_figure1, make_figure2

    make_figure1(Path(snakemake.input.figure1[0]), by_suffix(snakemake.output.figure1))
    systems = [system.split("-") for _, system in snakemake.params.figure2]
    make_figure2(
        [
            (initialisation, condition, int(step), Path(path))
            for (initialisation, condition, step), path in zip(
                systems, snakemake.input.figure2, strict=True
            )
        ],
        by_suffix(snakemake.output.figure2),
    )
