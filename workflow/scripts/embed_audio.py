"""CLAP embeddings of a shard's clips."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.clap import embed_audio_shard

    runtime = snakemake.config["runtime"]
    embed_audio_shard(
        Path(snakemake.input.audio[0]),
        Path(snakemake.input.clap),
        Path(snakemake.output[0]),
        duration=snakemake.params.audio["duration"],
        state=Path(snakemake.params.state),
        clips_per_part=runtime["clips_per_part"],
        progress_every=runtime["progress_every"],
    )
