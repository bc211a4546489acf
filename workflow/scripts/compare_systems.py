"""The systems of a dataset on the same clips."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.tables.comparison import compare_dataset

    source, params = snakemake.input, snakemake.params
    features = iter(map(Path, source.features))
    compare_dataset(
        dict(zip(params.systems, map(Path, source.metrics), strict=True)),
        {
            system: {name: next(features) for name in params.backbones}
            for system in ["real", *params.systems]
        },
        Path(snakemake.output[0]),
        bounds=params.bounds,
        select_by=params.select_by,
        select_on=params.select_on,
        validation={
            run: Path(folder) / "validation.json"
            for run, folder in zip(params.runs, source.validation, strict=False)
        },
        metrics_config=params.metrics,
        seed=params.seed,
        text=Path(source.text) if source.text else None,
    )
