"""Tables I and II."""

from pathlib import Path

from audioldm_bench.job import job


def by_suffix(paths):
    return {Path(path).suffix[1:]: Path(path) for path in paths}


with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.datasets.absent import count_clips
    from audioldm_bench.tables import make_table1, make_table2

    source, params = snakemake.input, snakemake.params
    audio = iter(source.audio)
    counts = {
        name: count_clips(manifest, missing, [next(audio) for _ in range(number)])
        for name, number, manifest, missing in zip(
            params.datasets, params.shards, source.manifests, source.missing, strict=True
        )
    }
    bounds = [
        (dataset, system, Path(path))
        for (dataset, system), path in zip(params.bounds, source.bounds, strict=True)
    ]
    table1 = [
        (dataset, system.removeprefix("baseline-"), Path(path))
        for (dataset, system), path in zip(params.table1, source.table1, strict=True)
    ]
    make_table1(table1, by_suffix(snakemake.output.table1), counts, bounds=bounds)
    table2 = [
        (dataset, *system.split("-")[:2], int(system.split("-")[2]), Path(path))
        for (dataset, system), path in zip(params.table2, source.table2, strict=True)
    ]
    validation = [
        (*run[:-1], Path(folder) / "validation.json")
        for run, folder in zip(table2, source.validation, strict=False)
    ]
    make_table2(
        table2,
        by_suffix(snakemake.output.table2),
        counts,
        select_by=params.select_by,
        select_on=params.select_on,
        validation=validation,
        bounds=bounds,
    )
