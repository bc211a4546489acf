"""Train the model that counts as pre-trained."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.diffusion.pretraining import pretrain

    runtime, settings = snakemake.config["runtime"], dict(snakemake.params.settings)
    pretrain(
        Path(snakemake.output[0]),
        unet_settings=settings.pop("unet"),
        steps=settings.pop("steps"),
        training_config=settings,
        latent_shards=[Path(path) for path in snakemake.input.latents],
        condition_paths=[Path(path) for path in snakemake.input.conditions],
        manifest_path=Path(snakemake.input.manifest),
        diffusion_config=snakemake.params.diffusion,
        vae_folder=Path(snakemake.input.vae),
        seed=snakemake.params.seed,
        state=Path(snakemake.params.state),
        save_every=runtime["save_state_every"],
        progress_every=runtime["progress_every"],
        threads=snakemake.threads,
        processes=max(1, snakemake.resources.get("gpu", 0)),  # one a GPU
    )
