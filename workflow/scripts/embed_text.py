"""CLAP embeddings of a dataset's captions."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.clap import embed_prompts

    runtime = snakemake.config["runtime"]
    embed_prompts(
        Path(snakemake.input.manifest),
        Path(snakemake.input.clap),
        Path(snakemake.output[0]),
        template=snakemake.params.template,
        state=Path(snakemake.params.state),
        clips_per_part=runtime["clips_per_part"],
        progress_every=runtime["progress_every"],
    )
