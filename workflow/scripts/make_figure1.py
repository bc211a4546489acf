"""Figure 1."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.figures import make_figure1

    outputs = {Path(path).suffix[1:]: Path(path) for path in snakemake.output}
    make_figure1(Path(snakemake.input.table), outputs)
