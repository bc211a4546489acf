"""Take a published checkpoint, a .ckpt or a diffusers folder, apart into component folders."""

from pathlib import Path

from audioldm_bench.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.resources.get("gpu", 0)):
    from audioldm_bench.checkpoints import import_audioldm, import_diffusers

    more = {
        "clap_config": snakemake.params.front_end,
        "head_channels": snakemake.params.head_channels,
    }
    model, out = Path(snakemake.params.model), Path(snakemake.output.source).parent
    if snakemake.params.clap is None:
        import_audioldm(
            model,
            out,
            tokenizer_files={
                "vocab": Path(snakemake.input.vocab),
                "merges": Path(snakemake.input.merges),
            },
            **more,
        )
    else:
        import_diffusers(
            model,
            out,
            clap=Path(snakemake.params.clap),
            origin=snakemake.params.origin,
            **more,
        )
