"""`snakemake --profile profiles/slurm all_tables` on a SLURM, with what happens on clusters."""

import pytest
from one_run import TABLES, S
from slurm_study import CANCELLED, LIMITED, jobs

GPU_RULES = {
    "train_component",
    "train_vae",
    "train_clap",
    "pretrain_diffusion",
    "embed_audio",
    "embed_text",
    "encode_latents",
    "train",
    "sample",
    "corrupt",
    "extract_features",
}
CPU_RULES = {
    "synthesise_dataset",
    "check_dataset",
    "make_manifest",
    "resample",
    "export_reference",
    "train_tokenizer",
    "make_bounds",
    "compare_systems",
    "compute_metrics",
}
RUN = "esc50_pretrained_text"
CHAIN = [
    "synthesise_dataset esc50",
    "resample esc50_00000",
    "train_vae",
    "encode_latents esc50_00000",
    "pretrain_diffusion",
    f"train {RUN}_0000120",
    f"train {RUN}_0000240",
    "sample esc50_pretrained-text-0000240",
    "extract_features esc50_pretrained-text-0000240",
    "compute_metrics esc50_pretrained-text-0000240",
]


def attempts(record, name):
    return [job for job in record.jobs if job.name == name]


def failed_once(record, name, state, log):
    """The job of this name ended in `state`, another went on from what it left; what it said."""
    first, *others = attempts(record, name)
    assert first.state == state and others[-1].state == "COMPLETED"
    assert others[0].start >= first.end
    said = (record.folder / S / "logs" / log).read_text()
    assert "continues after step" in said, said
    left = list((record.folder / ".snakemake/slurm_logs").rglob(f"{first.number}.log"))
    assert len(left) == 1  # what a failed job said is kept
    return left[0].read_text()


def test_the_study_ends_well_and_every_stage_was_submitted(through_slurm):
    assert through_slurm.returncode == 0, through_slurm.output[-4000:]
    assert {job.rule for job in through_slurm.jobs} == GPU_RULES | CPU_RULES
    assert all((through_slurm.folder / path).stat().st_size for path in TABLES)  # on the login node
    last = {job.name: job.state for job in through_slurm.jobs}
    assert set(last.values()) == {"COMPLETED"}


@pytest.mark.parametrize("rule", sorted(GPU_RULES))
def test_a_gpu_job_gets_one_gpu(through_slurm, rule):
    given = [through_slurm.devices[job.number] for job in through_slurm.jobs if job.rule == rule]
    assert given and all(devices in ({"0"}, {"1"}) for devices in given)


def test_no_two_jobs_get_one_gpu_at_once_and_other_jobs_get_none(through_slurm):
    for device in ("0", "1"):
        mine = [j for j in through_slurm.jobs if device in through_slurm.devices[j.number]]
        mine.sort(key=lambda job: job.start)
        assert len(mine) > 3
        assert all(a.end <= b.start for a, b in zip(mine, mine[1:], strict=False))
    for job in through_slurm.jobs:
        if job.rule in CPU_RULES:
            assert through_slurm.devices[job.number] == {"none"}


def test_chains_run_in_order(through_slurm):
    links = [attempts(through_slurm, name)[-1] for name in CHAIN]
    firsts = [attempts(through_slurm, name)[0] for name in CHAIN]
    assert all(a.end <= b.start for a, b in zip(links, firsts[1:], strict=False))


def test_a_job_that_runs_into_its_time_limit_goes_on_from_its_state(through_slurm):
    said = failed_once(through_slurm, LIMITED, "TIMEOUT", "train_component/vocoder.log")
    assert "SIGTERM: state saved after step" in said and "DUE TO TIME LIMIT" in said


def test_a_cancelled_job_goes_on_from_its_state(through_slurm):
    said = failed_once(
        through_slurm, CANCELLED, "CANCELLED", "train/esc50-pretrained-text-0000120.log"
    )
    assert "SIGTERM: state saved after step" in said


def test_a_node_that_was_drained_and_resumed_does_not_lose_the_study(through_slurm):
    assert through_slurm.waited
    for name in through_slurm.waited:
        assert attempts(through_slurm, name)[-1].state == "COMPLETED"


def test_the_tables_equal_those_of_a_local_run(through_slurm, undisturbed):
    for path in TABLES:
        ours = (through_slurm.folder / path).read_bytes()
        assert ours == (undisturbed / path).read_bytes(), path


def test_no_job_is_left(through_slurm):
    assert len(jobs()) == len(through_slurm.jobs)
    assert {job.state for job in jobs()} == {"COMPLETED", "TIMEOUT", "CANCELLED"}
