"""Train the VAE, the vocoder, the tagger or the embedder from scratch."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.components import train_component

    runtime = snakemake.config["runtime"]
    train_component(
        snakemake.params.component,
        [Path(path) for path in snakemake.input.audio],
        Path(snakemake.input.manifest),
        Path(snakemake.output[0]),
        settings=snakemake.params.settings,
        mel_config=snakemake.params.mel,
        audio_config=snakemake.params.audio,
        seed=snakemake.params.seed,
        state=Path(snakemake.params.state),
        save_every=runtime["save_state_every"],
        progress_every=runtime["progress_every"],
    )
