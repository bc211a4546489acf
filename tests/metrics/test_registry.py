import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.metrics.registry import VARIANTS, configured, needed_backbones, parse_name

PAPER = {"fd": "tagger", "is": "tagger", "kl": "tagger", "fad": "embedder"}


def test_the_longest_variant_wins():
    assert parse_name("fd_panns_cnn14_16k") == ("fd", "panns_cnn14_16k")
    assert parse_name("fd_infinite_panns_cnn14_16k") == ("fd_infinite", "panns_cnn14_16k")
    assert parse_name("kl_softmax_tagger") == ("kl_softmax", "tagger")
    assert parse_name("is_efficientat_mn04") == ("is", "efficientat_mn04")
    for variant in VARIANTS:
        assert parse_name(f"{variant}_clap") == (variant, "clap")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kd_tagger", "variant and backbone"),
        ("kl_tagger", "such as kl_s"),
        ("fd_infinite", "such as fd_infinite_panns"),
        ("clap_scor_clap", "such as clap_score_panns"),
        ("", "no metric's full name"),
    ],
)
def test_an_unknown_name_has_a_cure(name, words):
    with pytest.raises(UserError, match=words):
        parse_name(name)


def test_configured_names_and_their_backbones():
    assert list(configured(PAPER).items()) == [
        ("fd", "fd_tagger"),
        ("is", "is_tagger"),
        ("kl", "kl_softmax_tagger"),
        ("fad", "fad_embedder"),
        ("kl_sigmoid", "kl_sigmoid_tagger"),
    ]
    more = PAPER | {"also": ["kad_tagger", "fd_tagger", "clap_score_clap"]}
    assert set(configured(more)) - set(configured(PAPER)) == {"kad_tagger", "clap_score_clap"}
    assert needed_backbones(PAPER) == ["embedder", "tagger"]
    assert needed_backbones(more) == ["clap", "embedder", "tagger"]
