"""The config's check of models.clap.backend."""

from __future__ import annotations

import copy
import sys

import pytest

from audioldm_bench.config_clap import LAION_FRONT_END
from config_cases import DEFAULT, TRAINED, check_named, complaints, laying, merged, setting

LAION = {"models": {"clap": {"backend": "laion"}}}


def test_laion_runs_the_papers_study() -> None:
    """Whose front end is the one that laion-clap has built in."""
    assert complaints(merged(DEFAULT, LAION)) == []
    clap = DEFAULT["models"]["clap"]
    assert clap == {"backend": "transformers", **LAION_FRONT_END}


def test_backends_are_two() -> None:
    check_named(setting("models/clap/backend", "lion"), "models.clap.backend", "did you mean laion")


def test_laion_has_published_sizes_only() -> None:
    change = laying(models={"source": "trained", "trained": TRAINED, "clap": {"backend": "laion"}})
    check_named(change, "`models.clap.backend` is laion", "set the source to published")
    ours = laying(models={"source": "trained", "trained": TRAINED})
    config = copy.deepcopy(DEFAULT)
    ours(config)
    assert not [s for s in complaints(config) if "backend" in s]


@pytest.mark.parametrize(("key", "value"), [("f_min", 0), ("duration", 5.0), ("hop_length", 960)])
def test_laion_has_its_front_end_built_in(key: str, value: float) -> None:
    change = laying(models={"clap": {"backend": "laion", key: value}})
    check_named(change, f"`models.clap.{key}` is {value}", f"write {LAION_FRONT_END[key]}")
    theirs = laying(models={"clap": {key: value}})
    config = copy.deepcopy(DEFAULT)
    theirs(config)
    assert complaints(config) == []


def test_its_python_has_to_be_a_program(tmp_path) -> None:
    def found(python: str | None, backend: str = "laion") -> list[str]:
        changes = {"models": {"clap": {"backend": backend}}, "runtime": {"laion_python": python}}
        return complaints(merged(DEFAULT, changes), tmp_path)

    (tmp_path / "text").write_text("")
    (tmp_path / "python").symlink_to(sys.executable)
    for python in (None, sys.executable, "./python", "python3"):
        assert found(python) == []
    for python in ("./text", "./none", "no-such-python"):
        (sentence,) = found(python)
        assert f'`runtime.laion_python` is "{python}"' in sentence
        assert "workflow/envs/laion.txt" in sentence
    assert found("./none", backend="transformers") == []
