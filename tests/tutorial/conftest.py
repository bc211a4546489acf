"""A person in a folder of their own, who calls `audioldm-bench init`."""

from __future__ import annotations

import pytest

from audioldm_bench.cli.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Where the person is."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def init(here, capsys):
    """Calls the program: exit code and text of both streams."""

    def call(name: str, data: object, *options: str):
        code = main(["init", name, "--data", str(data), *options])
        out, err = capsys.readouterr()
        return code, out + err

    return call
