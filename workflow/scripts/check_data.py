"""Look at a dataset's clips, before any long job."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.data_checks.check import check_data
    from audioldm_bench.data_checks.findings import Settings

    source, params = snakemake.input, snakemake.params
    check_data(
        Path(source.manifest),
        Path(source.missing),
        [Path(path) for path in source.audio],
        Path(params.root),
        settings=Settings(**params.settings),
        mel=params.mel,
        checks_path=Path(snakemake.output.checks),
        page_path=Path(snakemake.output.page),
        state=Path(params.state),
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
