"""Damage every real clip in one way."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.corruptions import corrupt_clips

    corrupt_clips(
        Path(snakemake.input.clips),
        Path(snakemake.output.clips),
        Path(snakemake.output.provenance),
        kind=snakemake.params.kind,
        manifest_path=Path(snakemake.input.manifest),
        figure1_config=snakemake.params.figure1,
        mel_config=snakemake.params.mel,
        vocoder_folder=Path(snakemake.input.vocoder) if snakemake.input.vocoder else None,
        sample_rate=snakemake.params.sample_rate,
        nominal_duration=snakemake.params.nominal_duration,
        seed=snakemake.params.seed,
        state=Path(snakemake.params.state),
        progress_every=snakemake.config["runtime"]["progress_every"],
    )
