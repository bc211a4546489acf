"""VAE moments of a shard's clips."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.vae import encode_shard

    runtime = snakemake.config["runtime"]
    encode_shard(
        Path(snakemake.input.audio[0]),
        Path(snakemake.input.vae),
        Path(snakemake.output[0]),
        mel_config=snakemake.params.mel,
        audio_config=snakemake.params.audio,
        state=Path(snakemake.params.state),
        clips_per_part=runtime["clips_per_part"],
        progress_every=runtime["progress_every"],
    )
