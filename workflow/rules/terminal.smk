# REQUIRED INPUTS: none. OUTPUTS: none; what a person is told without a target, and after a failure.
from audioldm_bench.failures import tell_at_exit
from audioldm_bench.scheduling import wake_once_at_a_time
from audioldm_bench.targets import targets_text

TARGETS = ["all", "all_tables", "all_figures", "figure1", "figure2", "report", "check_data"]
TARGETS += ["preflight"]


def say_targets(wildcards):
    """Stands where inputs do: what it prints comes before any job, and in a dry run too."""
    known = {rule.name: rule.docstring for rule in workflow.rules}
    about = {name: known[name] for name in TARGETS if name in known}
    text = targets_text(config["study"], about, Path(workflow.basedir) / "config")
    print(f"\n{text}", flush=True)
    sys.exit(0)


onstart:
    if workflow.is_main_process:
        wake_once_at_a_time(workflow.scheduler)


# Snakemake's own last lines name no log and no error.
onerror:
    if workflow.is_main_process:
        tell_at_exit(workflow.scheduler.failed, log)
