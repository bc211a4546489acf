# REQUIRED INPUTS: none. OUTPUTS: none but state; what was found is printed, and problems fail.
# Nothing else depends on these rules. `snakemake preflight` runs them anew each time: what a network
# and a disk were like some time ago is no answer, so the time of asking is a param. (temp() would
# do nothing: Snakemake keeps what a target without outputs asks for.)
import time

PREFLIGHT = f"{STUDY}/state/preflight"


rule preflight_downloads:
    """Ask whether what the study still has to download answers."""
    output:
        f"{PREFLIGHT}/downloads.json",
    log:
        f"{STUDY}/logs/preflight/downloads.log",
    benchmark:
        f"{STUDY}/benchmarks/preflight/downloads.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        asked=time.time(),
    script:
        "../scripts/preflight_downloads.py"


rule preflight_gpu:
    """Look at the machine that GPU jobs run on, and estimate the study on it."""
    output:
        f"{PREFLIGHT}/machine.json",
    log:
        f"{STUDY}/logs/preflight/gpu.log",
    benchmark:
        f"{STUDY}/benchmarks/preflight/gpu.tsv"
    conda:
        "../../environment.yml"
    threads: RUNTIME["threads"]
    resources:
        mem_mb=4000,
        runtime=20,
        gpu=most_gpus(config),
    params:
        asked=time.time(),
        largest_memory=lambda w: largest_memory(),
    script:
        "../scripts/preflight_gpu.py"


rule preflight:
    """Hours, disk and GPU memory of the study, and all that stands in its way."""
    input:
        rules.preflight_downloads.output,
        rules.preflight_gpu.output,
    log:
        f"{STUDY}/logs/preflight/preflight.log",
    benchmark:
        f"{STUDY}/benchmarks/preflight/preflight.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    script:
        "../scripts/preflight.py"
