"""This project's metrics beside what audioldm_eval's own code gave for the same input.

tests/golden/make_audioldm_eval.py made the expected numbers. docs/metrics.md has the differences
that these tests print with `python -m pytest -s`, and their causes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from audioldm_bench.metrics.frechet import frechet_from_features
from audioldm_bench.metrics.inception import inception_score
from audioldm_bench.metrics.kl import kl_sigmoid, kl_softmax

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
ESC10 = ROOT.parent / "shared" / "data" / "esc10"
sys.path.insert(0, str(GOLDEN))

import audioldm_eval_inputs as inputs  # noqa: E402

THEIRS = json.loads((GOLDEN / "audioldm_eval.json").read_text())


def differences(ours: dict, theirs: dict) -> dict[str, float]:
    """Relative, by metric; printed."""
    found = {name: abs(ours[name] - value) / abs(value) for name, value in theirs.items()}
    print({name: f"{value:.1e}" for name, value in found.items()})
    return found


@pytest.mark.parametrize("case", inputs.CASES)
def test_the_same_features_give_the_same_values(case):
    drawn = inputs.drawn(case)
    embeddings, logits = (
        [drawn[f"{side} {kind}"] for side in ("generated", "target")]
        for kind in ("embeddings", "logits")
    )
    ids = [str(number) for number in range(len(logits[0]))]
    score = inception_score(logits[0])
    distance = frechet_from_features(*embeddings)
    ours = {
        "fd": distance,
        "fad": distance,
        "is": score.mean,
        "is_std": score.std,
        "kl": kl_softmax(*logits, ids, ids),
        "kl_sigmoid": kl_sigmoid(*logits, ids, ids),
    }
    found = differences(ours, THEIRS["features"][case])
    assert {"fd", "is", "is_std", "kl", "kl_sigmoid"} <= set(found)
    assert max(found.values()) < 1e-4
    assert np.median(list(found.values())) < 1e-6


@pytest.mark.slow
@pytest.mark.skipif(not ESC10.is_dir(), reason=f"{ESC10} is not there: no real recordings")
def test_two_folders_of_recordings_give_the_same_values(tmp_path):
    """From files to values: reading, resampling, Cnn14 and VGGish of full size, metrics."""
    import torch

    from audioldm_bench.evaluation.system import evaluate_system
    from audioldm_bench.features.extract import extract_features
    from audioldm_bench.features.panns import build_cnn14
    from audioldm_bench.features.vggish import build_vggish

    weights = {"panns_cnn14_16k": tmp_path / "cnn14.pth", "vggish": tmp_path / "vggish.pth"}
    for name, build in (("panns_cnn14_16k", build_cnn14), ("vggish", build_vggish)):
        network = build()
        inputs.fill(network)
        state = network.state_dict()
        torch.save({"model": state} if name != "vggish" else state, weights[name])
    sides = []
    for folder in inputs.recordings(ESC10, tmp_path / "clips"):
        outputs = {name: tmp_path / folder.name / f"{name}.h5" for name in weights}
        extract_features(
            folder,
            outputs,
            weights,
            nominal_duration=None,
            minimum_duration=2.0,
            state=tmp_path / f"state-{folder.name}",
        )
        sides.append(outputs)
    metrics = {**dict.fromkeys(("fd", "is", "kl"), "panns_cnn14_16k"), "fad": "vggish"}
    metrics |= {"is_splits": 10, "is_seed": 2020}
    ours = evaluate_system(*sides, None, tmp_path / "metrics.json", metrics_config=metrics)
    assert ours["n"] == inputs.CLIPS
    found = differences(ours, THEIRS["recordings"])
    assert max(found.values()) < 1e-4
