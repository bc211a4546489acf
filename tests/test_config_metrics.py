"""The config's check of `metrics`: full names, backbones that can give them, intervals."""

from __future__ import annotations

import pytest

from config_cases import DEFAULT, MINI, TRAINED, check_named, complaints, laying, merged, setting


def also(*names: str):
    return laying(metrics={"also": list(names)})


def trained(*names: str):
    metrics = {**dict.fromkeys(("fd", "is", "kl"), "tagger"), "fad": "embedder"}
    models = {"source": "trained", "trained": TRAINED}
    return laying(models=models, metrics=metrics | {"also": list(names)})


CASES = {
    "no variant": (also("kd_vggish"), '`metrics.also` names "kd_vggish"', "such as kad_panns"),
    "no backbone": (also("kad"), '`metrics.also` names "kad"', "a variant (fd, is, kl_softmax"),
    "unknown backbone": (
        also("kad_vgish"),
        '`metrics.also` names "kad_vgish"',
        'its backbone is "vgish"; did you mean vggish?',
    ),
    "trained backbone of a published study": (
        also("fd_infinite_tagger"),
        'its backbone is "tagger"',
        "(`models.source` is published)",
    ),
    "no class scores": (
        also("kl_softmax_clap"),
        '`metrics.also` names "kl_softmax_clap"',
        "it gives no class scores",
    ),
    "no class scores of a trained study": (
        trained("is_embedder"),
        '`metrics.also` names "is_embedder"',
        "must be one of tagger, panns_cnn14_16k",
    ),
    "captions without CLAP": (
        also("clap_score_vggish"),
        '`metrics.also` names "clap_score_vggish"',
        "write clap_score_clap",
    ),
    "the same twice": (
        also("kad_vggish", "kad_vggish"),
        "`metrics.also`",
        "must not name anything twice",
    ),
    "one name, no list": (
        setting("metrics/also", "kad_vggish"),
        '`metrics.also` is "kad_vggish"',
        "write [kad_vggish]",
    ),
    "level in percent": (
        setting("metrics/bootstrap/level", 95),
        "`metrics.bootstrap.level` is 95",
        "less than 1",
    ),
    "replicates below 0": (
        setting("metrics/bootstrap/replicates", -1),
        "`metrics.bootstrap.replicates` is -1",
        "at least 0",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named_with_its_cure(case: str) -> None:
    check_named(*CASES[case])


def test_what_can_be_had_is_let_through() -> None:
    names = ["kad_vggish", "fd_infinite_vggish", "fad_clap", "is_efficientat_mn04"]
    for metrics in (
        {"also": []},
        {"also": [*names, "clap_score_clap", "kl_sigmoid_panns_cnn14_16k"]},
        {"bootstrap": {"replicates": 0}},
    ):
        assert complaints(merged(DEFAULT, {"metrics": metrics})) == []
    mini = merged(DEFAULT, MINI)
    mini["metrics"]["also"] = [*names, "kad_tagger", "fd_embedder"]
    assert complaints(mini) == []
