"""Decode and resample a shard's clips into one store."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.datasets.prepare import resample_shard

    runtime = snakemake.config["runtime"]
    resample_shard(
        Path(snakemake.input.manifest),
        Path(snakemake.params.root),
        int(snakemake.wildcards.shard),
        Path(snakemake.output[0]),
        audio_config=snakemake.params.audio,
        seed=snakemake.params.seed,
        state=Path(snakemake.params.state),
        clips_per_part=runtime["clips_per_part"],
        progress_every=runtime["progress_every"],
    )
