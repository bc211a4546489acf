"""Train CLAP's two towers from scratch."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.components.clap import train_clap

    runtime = snakemake.config["runtime"]
    train_clap(
        [Path(path) for path in snakemake.input.audio],
        Path(snakemake.input.manifest),
        Path(snakemake.input.tokenizer[0]),
        Path(snakemake.output[0]),
        settings=snakemake.params.settings,
        clap_config=snakemake.params.front_end,
        audio_config=snakemake.params.audio,
        seed=snakemake.params.seed,
        state=Path(snakemake.params.state),
        save_every=runtime["save_state_every"],
        progress_every=runtime["progress_every"],
    )
