"""Published weights: one list, a cache, checked downloads, and what to do without a network."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import pytest

from audioldm_bench.cli import weights as weights_module
from audioldm_bench.cli.choice import DEFAULTS, FRAMES, LEVEL, REPLICATES, TAGGER
from audioldm_bench.cli.published import PUBLISHED, Published
from audioldm_bench.cli.weights import default_cache, find_weights
from audioldm_bench.errors import UserError
from audioldm_bench.features.registry import BACKBONES
from bad_server import serving
from config_cases import DEFAULT

DATA = b"weights" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server():
    with serving(DATA) as made:
        yield made


@pytest.fixture
def published(server, monkeypatch):
    """vggish is at the local server."""

    def at(sha256=SHA256):
        monkeypatch.setitem(PUBLISHED, "vggish", Published(server.url, sha256, "CC0"))

    at()
    monkeypatch.setattr(weights_module, "RETRIES", 0)
    return at


def test_the_list_is_that_of_the_config():
    config = DEFAULT["models"]["published"]["backbones"]
    ours = {name: asdict(entry) for name, entry in PUBLISHED.items()}
    assert ours == config and set(ours) <= set(BACKBONES)


def test_the_defaults_are_those_of_the_config():
    metrics = DEFAULT["metrics"]
    assert {key: metrics[key] for key in DEFAULTS} == DEFAULTS
    assert metrics["bootstrap"] == {"replicates": REPLICATES, "level": LEVEL}
    assert [metrics[key] for key in ("fd", "is", "kl", "fad")] == [TAGGER] * 3 + [FRAMES]


def test_weights_are_downloaded_once_with_their_licence(server, published, tmp_path, capsys):
    path = find_weights(["vggish"], {}, tmp_path)["vggish"]
    assert path == tmp_path / "weights" / "file.bin" and path.read_bytes() == DATA
    assert "[vggish] licence: CC0" in capsys.readouterr().err
    assert find_weights(["vggish"], {}, tmp_path, offline=True) == {"vggish": path}
    assert len(server.asked) == 1
    path.write_bytes(b"cut short")
    assert find_weights(["vggish"], {}, tmp_path)["vggish"].read_bytes() == DATA
    assert len(server.asked) == 2


def test_other_bytes_are_never_used(server, published, tmp_path):
    server.always = "wrong"
    with pytest.raises(UserError, match=f"not {SHA256}"):
        find_weights(["vggish"], {}, tmp_path)
    assert not (tmp_path / "weights" / "file.bin").exists()


def test_a_sum_of_first_use_is_kept(server, published, tmp_path):
    published(sha256=None)
    path = find_weights(["vggish"], {}, tmp_path)["vggish"]
    assert SHA256 in (tmp_path / "checksums.json").read_text()
    path.write_bytes(b"another")
    with pytest.raises(UserError, match="are not what"):
        find_weights(["vggish"], {}, tmp_path, offline=True)


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_the_error_says_what_to_fetch_and_where_to_put_it(
    server, published, tmp_path, offline
):
    server.always = "500"
    with pytest.raises(UserError) as error:
        find_weights(["vggish"], {}, tmp_path, offline=offline)
    place = tmp_path / "weights" / "file.bin"
    for word in (server.url, SHA256, f"put it at {place}", "--backbone-weights vggish=PATH"):
        assert word in str(error.value)
    assert bool(server.asked) is not offline
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(DATA)
    assert find_weights(["vggish"], {}, tmp_path, offline=True)["vggish"] == place
    place.write_bytes(b"another")
    with pytest.raises(UserError, match="are not what .*file.bin holds"):
        find_weights(["vggish"], {}, tmp_path, offline=True)


def test_given_weights_go_before_published_ones(tmp_path):
    given = tmp_path / "mine.pth"
    given.touch()
    assert find_weights(["vggish"], {"vggish": given}, tmp_path) == {"vggish": given}
    with pytest.raises(UserError, match="tagger has no published weights.*tagger=FOLDER"):
        find_weights(["tagger"], {}, tmp_path)


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("AUDIOLDM_BENCH_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("AUDIOLDM_BENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "audioldm-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert str(default_cache()) == "/home/someone/.cache/audioldm-bench"


def test_the_program_names_weights_that_are_not_there(world, call, tmp_path):
    scored = ["evaluate", world.good, world.real, "--offline", "--cache", tmp_path / "none"]
    done = call(*scored, weights=False)
    assert done.code == 1
    for name in ("panns_cnn14_16k", "vggish"):
        assert PUBLISHED[name].url in done.err and PUBLISHED[name].sha256 in done.err
    assert str(tmp_path / "none" / "weights" / "Cnn14_16k_mAP=0.438.pth") in done.err
