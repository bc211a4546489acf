"""Take a published checkpoint apart into component folders."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.checkpoints.audioldm import import_audioldm

    import_audioldm(
        Path(snakemake.input.checkpoint[0]),
        Path(snakemake.output.source).parent,
        tokenizer_files={
            "vocab": Path(snakemake.input.vocab),
            "merges": Path(snakemake.input.merges),
        },
        clap_config=snakemake.params.front_end,
    )
