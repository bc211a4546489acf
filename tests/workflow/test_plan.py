"""What Snakemake would run: for the paper, for the presets, and after a change."""

import time

import pytest
from study import ROOT, planned, run

RESULTS = {"compute_metrics", "compare_systems", "tables", "benchmark_table", "figure2"}
RESULTS |= {"write_report", "all"}
DOWNSTREAM = {"sample", "extract_features"} | RESULTS
ESC10 = ROOT / ".." / "shared" / "data" / "esc10" / "esc10.csv"


def test_the_papers_study_is_the_default_and_plans_in_seconds(tmp_path):
    start = time.monotonic()
    jobs = planned(tmp_path, "all_tables", configs=())
    assert time.monotonic() - start < 30  # about 4 s on a quiet machine
    checkpoints = 4 * (240 // 20 + 350 // 20 + 1 + 480 // 20)  # four runs on each dataset
    assert jobs["train"] == checkpoints
    assert jobs["sample"] == checkpoints + 8
    assert jobs["compute_metrics"] == jobs["sample"] + 4 * 3  # floor and ceilings of four datasets
    assert jobs["compare_systems"] == 4 and jobs["benchmark_table"] == 1
    assert jobs["import_checkpoint"] == 1 and jobs["download_archive"] == 2
    assert not {"train_clap", "train_component", "synthesise_dataset"} & set(jobs)


def test_the_miniature_plans_all_of_the_paper(tmp_path):
    jobs = planned(tmp_path, "all", configs=(ROOT / "config" / "mini.yaml",))
    assert (
        jobs["synthesise_dataset"] == 4 and jobs["train_component"] == 3 and jobs["train_vae"] == 1
    )
    assert jobs["train"] == 4 * (3 + 2 + 2) and jobs["sample"] == jobs["train"] + 8
    assert jobs["corrupt"] == 6
    assert not {name for name in jobs if "download" in name}


def test_a_published_backbone_can_judge_a_study_of_trained_models(tmp_path):
    mini = {"configs": (ROOT / "config" / "mini.yaml",)}
    mini["changes"] = {"metrics": dict.fromkeys(("fd", "is", "kl"), "efficientat_mn04")}
    assert planned(tmp_path, "all_tables", **mini)["download_backbone"] == 1
    weights = tmp_path / "resources" / "backbones" / "efficientat_mn04.pth"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"put there by hand")
    assert "download_backbone" not in planned(tmp_path, "all_tables", **mini)


@pytest.mark.skipif(not ESC10.exists(), reason=f"{ESC10} is not there: no real recordings")
def test_the_real_sounds_plan(tmp_path):
    folder = {"datasets": {"esc10": {"folder": str(ESC10.resolve().parent)}}}
    configs = (ROOT / "config" / "esc10.yaml",)
    jobs = planned(tmp_path, "all", configs=configs, changes=folder)
    assert jobs["train_component"] == 3 and "synthesise_dataset" not in jobs


def test_a_wrong_config_is_refused_before_any_job(tmp_path):
    changes = {"sampling": {"steps": -5, "guidance": 3}, "table1": {"datasets": ["esc5"]}}
    done = run(tmp_path, "all", changes=changes, check=False)
    assert done.returncode == 1
    assert "`sampling.steps` is -5" in done.stdout
    assert "did you mean `guidance_scale`" in done.stdout
    assert "esc5" in done.stdout and "describe it under `datasets`" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "results").exists()


def test_a_second_run_has_nothing_to_do(finished):
    assert planned(finished, "all") == {}


def test_a_new_guidance_scale_redoes_samples_and_what_follows(finished):
    jobs = planned(finished, "all", changes={"sampling": {"guidance_scale": 3.5}})
    assert set(jobs) == DOWNSTREAM
    assert jobs["sample"] == jobs["extract_features"] == jobs["compute_metrics"] == 10


def test_a_new_caption_template_redoes_text_and_what_depends_on_it(finished):
    template = {"datasets": {"esc50": {"caption_template": "the sound of {caption}"}}}
    jobs = planned(finished, "all", changes=template)
    assert set(jobs) == DOWNSTREAM | {"embed_text", "train", "check_dataset"}
    assert jobs["embed_text"] == jobs["check_dataset"] == 1
    assert jobs["train"] == 4  # the text-conditioned runs; the audio-conditioned ones stay


def test_a_deleted_metric_is_redone_with_the_tables(finished, tmp_path):
    path = finished / "results/tiny/systems/esc50/scratch-text-0000040/metrics.json"
    kept = tmp_path / "metrics.json"
    path.rename(kept)
    try:
        jobs = planned(finished, "all_tables")
    finally:
        kept.rename(path)
    again = ("compute_metrics", "compare_systems", "tables", "benchmark_table", "all_tables")
    assert jobs == dict.fromkeys(again, 1)


@pytest.mark.parametrize(
    ("changes", "untouched"),
    [
        ({"runtime": {"progress_every": 1, "save_state_every": 9}}, DOWNSTREAM | {"train"}),
        ({"figure1": {"noise_std": 2.0}}, {"train", "sample", "compute_metrics", "tables"}),
        ({"table2": {"select_by": "kl"}}, {"train", "sample", "compute_metrics", "corrupt"}),
        ({"training": {"learning_rate": 0.002}}, {"embed_audio", "encode_latents", "train_clap"}),
    ],
)
def test_a_change_redoes_no_more_than_it_must(finished, changes, untouched):
    assert not set(planned(finished, "all", changes=changes)) & untouched
