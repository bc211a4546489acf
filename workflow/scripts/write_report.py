"""The study on one page."""

from pathlib import Path

from audioldm_bench.job import job


def one(paths, ending):
    return next(Path(path) for path in paths if path.endswith(ending))


with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.limits import training_gpus
    from audioldm_bench.report.page import write_report

    source, params = snakemake.input, snakemake.params
    audio = iter(map(Path, source.audio))
    write_report(
        Path(snakemake.output[0]),
        study=params.study,
        config=params.config,
        tables={name: one(source.tables, f"{name}.csv") for name in ("table1", "table2")},
        claims=one(source.figure1, "claims.csv"),
        ranking=one(source.benchmark, ".csv"),
        figures={
            "figure1": one(source.figures, "fig1.svg"),
            "figure2": one(source.figures, "fig2.svg"),
        },
        components=[Path(folder) / "quality.json" for folder in source.components],
        systems=[
            (dataset, system, Path(provenance).with_name("clips"))
            for (dataset, system), provenance in zip(params.systems, source.systems, strict=True)
        ],
        runs=[
            (*run, Path(folder) / "training.csv")
            for run, folder in zip(params.runs, source.runs, strict=True)
        ],
        missing=list(zip(params.datasets, map(Path, source.missing), strict=True)),
        audio=[
            (name, [next(audio) for _ in range(number)])
            for name, number in zip(params.datasets, params.shards, strict=True)
        ],
        metrics=[
            (*system, Path(path)) for system, path in zip(params.rows, source.metrics, strict=True)
        ],
        benchmarks=[Path(folder) for folder in params.benchmarks],
        gpu_keys=params.gpu_keys,
        # no param: they change no result, so they shall not redo the report
        gpus={
            "gpus_per_job": snakemake.config["runtime"]["gpus_per_job"],
            "gpus_per_training": training_gpus(snakemake.config),
        },
        sounds_per_dataset=params.sounds_per_dataset,
        foreign=params.foreign,
    )
