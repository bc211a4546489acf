"""Checks of the data that are made anew leave what was trained alone."""

from study import planned


def test_a_page_that_is_made_anew_retrains_nothing(finished, tmp_path):
    page = finished / "results/tiny/data/esc50/check.html"
    kept = tmp_path / page.name
    page.rename(kept)
    try:
        jobs = planned(finished, "all")
    finally:
        kept.rename(page)
    assert jobs == {"check_dataset": 1, "all": 1}


def test_another_rule_of_the_check_retrains_nothing(finished):
    """nominal_duration is a setting of the check, and of what follows the samples."""
    jobs = planned(finished, "all", changes={"datasets": {"esc50": {"nominal_duration": 1.2}}})
    assert jobs["check_dataset"] == 1
    assert not {"train", "train_clap", "train_vae", "pretrain_diffusion"} & set(jobs)
