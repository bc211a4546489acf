"""One segment of a fine-tuning run."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.diffusion.training import train_segment

    runtime, wildcards = snakemake.config["runtime"], snakemake.wildcards
    steps = snakemake.config["training"]["steps"][wildcards.dataset]
    train_segment(
        Path(snakemake.input.start) if snakemake.input.start else snakemake.params.unet,
        Path(snakemake.output.checkpoint),
        Path(snakemake.output.state),
        first_step=snakemake.params.segment[0],
        last_step=snakemake.params.segment[1],
        initialisation=wildcards.initialisation,
        latent_shards=[Path(path) for path in snakemake.input.latents],
        condition_paths=[Path(path) for path in snakemake.input.conditions],
        manifest_path=Path(snakemake.input.manifest),
        training_config=snakemake.params.training,
        diffusion_config=snakemake.params.diffusion,
        vae_folder=Path(snakemake.input.vae),
        seed=snakemake.params.seed,
        state=Path(snakemake.params.state),
        save_every=runtime["save_state_every"],
        progress_every=runtime["progress_every"],
        threads=snakemake.threads,
        processes=max(1, snakemake.resources.get("gpu", 0)),  # one a GPU
        label=f"train {wildcards.dataset} {wildcards.initialisation}-{wildcards.condition}",
        leave_state=int(wildcards.step) < steps,  # no param: fewer or more steps redo nothing
    )
