"""Figure 1 alone, by its own target."""

import pytest
from study import ROOT, planned

CONFIG = ROOT / "config"
ESC10 = ROOT / ".." / "shared" / "data" / "esc10" / "esc10.csv"


def test_by_own_phase_figure_1_needs_no_vocoder(tmp_path):
    changes = {"figure1": {"resynthesis": "own_phase"}}
    tiny = planned(tmp_path, "figure1")
    assert tiny["train_component"] == 3 and tiny["corrupt"] == 6  # vocoder, tagger, embedder
    tiny = planned(tmp_path, "figure1", changes=changes)
    assert tiny["train_component"] == 2 and tiny["corrupt"] == 6
    assert tiny["corruption_metrics"] == tiny["figure1"] == 1
    assert not {"train", "sample", "compute_metrics", "figure2"} & set(tiny)


@pytest.mark.skipif(not ESC10.exists(), reason=f"{ESC10} is not there: no real recordings")
def test_the_overlay_plans_all_of_esc10_before_a_published_judge(tmp_path):
    folder = {"folder": str(ESC10.resolve().parent)}
    weights = tmp_path / "resources" / "backbones" / "efficientat_mn04.pth"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"put there by hand")
    jobs = planned(
        tmp_path,
        "figure1",
        configs=(CONFIG / "esc10.yaml", CONFIG / "overlays" / "esc10-figure1.yaml"),
        changes={"datasets": {"esc10": folder, "esc10_all": folder}},
    )
    assert jobs["train_component"] == 1  # the embedder
    assert jobs["extract_features"] == 7 and jobs["corrupt"] == 6
    assert not {"train", "sample", "download_backbone"} & set(jobs)
