"""Write the real evaluation clips as a system like any other."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.systems.real import export_reference

    export_reference(
        Path(snakemake.input.manifest),
        [Path(path) for path in snakemake.input.audio],
        Path(snakemake.output.clips),
        Path(snakemake.output.provenance),
        dataset=snakemake.wildcards.dataset,
        state=Path(snakemake.params.state),
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
