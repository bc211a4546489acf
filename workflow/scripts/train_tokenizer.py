"""Train CLAP's tokenizer on the captions of a manifest."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads):
    from audioldm_bench.datasets.manifest import read_manifest
    from audioldm_bench.tokenizer import train_tokenizer

    captions = [clip.caption for clip in read_manifest(Path(snakemake.input[0]))]
    train_tokenizer(captions, Path(snakemake.output[0]), snakemake.params.settings["vocab_size"])
