"""Take over the clips of another system."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.systems.foreign import import_system

    import_system(
        Path(snakemake.params.folder),
        Path(snakemake.input.provenance),
        Path(snakemake.output.clips),
        Path(snakemake.output.provenance),
        system=snakemake.wildcards.system,
        label=snakemake.params.label,
        dataset=snakemake.wildcards.dataset,
        state=Path(snakemake.params.state),
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
