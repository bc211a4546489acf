"""Score a system's clips against the real ones."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.evaluation.system import evaluate_system

    names = snakemake.params.backbones
    evaluate_system(
        dict(zip(names, map(Path, snakemake.input.generated), strict=True)),
        dict(zip(names, map(Path, snakemake.input.reference), strict=True)),
        Path(snakemake.input.provenance),
        Path(snakemake.output[0]),
        metrics_config=snakemake.params.metrics,
        seed=snakemake.params.seed,
        text=Path(snakemake.input.text) if snakemake.input.get("text") else None,
    )
