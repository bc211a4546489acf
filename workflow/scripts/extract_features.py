"""Embed a system's clips with every backbone."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.features.extract import extract_features

    runtime = snakemake.config["runtime"]
    names = snakemake.params.backbones
    extract_features(
        Path(snakemake.input.clips),
        dict(zip(names, map(Path, snakemake.output), strict=True)),
        dict(zip(names, map(Path, snakemake.input.weights), strict=True)),
        nominal_duration=snakemake.params.nominal_duration,
        minimum_duration=snakemake.params.minimum_duration,
        state=Path(snakemake.params.state),
        clips_per_part=runtime["clips_per_part"],
        progress_every=runtime["progress_every"],
    )
