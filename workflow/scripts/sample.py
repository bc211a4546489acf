"""Generate a dataset's evaluation clips with one system."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.diffusion.sampling import sample_system

    sample_system(
        Path(snakemake.output.clips),
        Path(snakemake.output.provenance),
        system=snakemake.wildcards.system,
        dataset=snakemake.wildcards.dataset,
        condition=snakemake.params.condition,
        unet_folder=Path(snakemake.input.unet),
        vae_folder=Path(snakemake.input.vae),
        vocoder_folder=Path(snakemake.input.vocoder),
        clap_folder=Path(snakemake.input.clap),
        manifest_path=Path(snakemake.input.manifest),
        audio_shards=[Path(path) for path in snakemake.input.audio],
        clap_shards=[Path(path) for path in snakemake.input.embeddings],
        text_path=Path(snakemake.input.text[0]),
        generated_duration=snakemake.params.generated_duration,
        sampling_config=snakemake.params.sampling,
        diffusion_config=snakemake.params.diffusion,
        seed=snakemake.params.seed,
        state=Path(snakemake.params.state),
        progress_every=snakemake.config["runtime"]["progress_every"],
        threads=snakemake.threads,
        out_candidates=Path(snakemake.output.clips).with_name("candidates"),
        # no param: another number makes no clip anew, only what is sampled from now on keeps more
        heard_clips=snakemake.config["report"]["candidates_per_dataset"],
    )
