"""Tables I and II."""

from pathlib import Path

from audioldm_bench.job import job


def by_suffix(paths):
    return {Path(path).suffix[1:]: Path(path) for path in paths}


with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.tables import make_table1, make_table2

    table1 = [
        (dataset, system.removeprefix("baseline-"), Path(path))
        for (dataset, system), path in zip(
            snakemake.params.table1, snakemake.input.table1, strict=True
        )
    ]
    make_table1(table1, by_suffix(snakemake.output.table1))
    table2 = [
        (dataset, *system.split("-")[:2], int(system.split("-")[2]), Path(path))
        for (dataset, system), path in zip(
            snakemake.params.table2, snakemake.input.table2, strict=True
        )
    ]
    make_table2(table2, by_suffix(snakemake.output.table2), select_by=snakemake.params.select_by)
