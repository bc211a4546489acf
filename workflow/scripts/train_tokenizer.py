"""Train CLAP's tokenizer on the texts of the wide corpus."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.components.tokenizer import train_tokenizer_folder

    train_tokenizer_folder(
        [Path(path) for path in snakemake.input],
        Path(snakemake.output[0]),
        settings=snakemake.params.settings,
        wordings=snakemake.params.wordings,
    )
