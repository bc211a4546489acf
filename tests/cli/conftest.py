from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_world import read_rows, save_network, write_clips

from audioldm_bench.cli.main import main

CLIPS = range(12)


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> SimpleNamespace:
    """real, good and bad clips of the same names; weights as options; a cache that tests share."""
    root = tmp_path_factory.mktemp("cli")
    tagger = save_network(root / "tagger", example_duration=None, seed=1)
    embedder = save_network(root / "embedder", example_duration=0.25, seed=2)
    return SimpleNamespace(
        root=root,
        real=write_clips(root / "real", CLIPS),
        good=write_clips(root / "good", CLIPS, seed=1, suffix="flac"),
        bad=write_clips(root / "bad", CLIPS, seed=2, noise=0.5),
        tagger=tagger,
        embedder=embedder,
        weights=["--backbone-weights", f"tagger={tagger}", f"embedder={embedder}"],
        cache=root / "cache",
    )


@pytest.fixture
def call(world, tmp_path, monkeypatch, capsys):
    """Runs the program in an empty folder with the small networks; code, stdout, stderr, folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIOLDM_BENCH_CACHE", str(world.cache))

    def run(*arguments: object, weights: bool = True) -> SimpleNamespace:
        code = main([*map(str, arguments), *(world.weights if weights else [])])
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err, folder=tmp_path)

    return run


@pytest.fixture
def evaluated(call):
    """As `call` of evaluate with --out; also `record` (metrics.json) and `csv` (its rows).

    `few`: 40 replicates, which are quicker, where --bootstrap says nothing.
    """

    def run(*arguments: object, few: bool = True) -> SimpleNamespace:
        quick = ["--bootstrap", 40] if few and "--bootstrap" not in arguments else []
        done = call("evaluate", *arguments, "--out", "out", *quick)
        assert done.code == 0, done.err
        done.record = json.loads(Path("out/metrics.json").read_text())
        done.csv = read_rows(Path("out/metrics.csv"))
        return done

    return run
