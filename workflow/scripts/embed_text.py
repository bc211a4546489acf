"""CLAP embeddings of a dataset's captions."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.interpreters import call, clap_python

    runtime = snakemake.config["runtime"]
    arguments = {
        "manifest_path": Path(snakemake.input.manifest),
        "clap_folder": Path(snakemake.input.clap),
        "out_path": Path(snakemake.output[0]),
        "template": snakemake.params.template,
        "backend": snakemake.params.backend,
        "state": Path(snakemake.params.state),
        "clips_per_part": runtime["clips_per_part"],
        "progress_every": runtime["progress_every"],
    }
    python = clap_python(snakemake.params.backend, runtime["laion_python"])
    call("audioldm_bench.clap:embed_prompts", arguments, python)
