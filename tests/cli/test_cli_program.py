"""The program as such: how it starts, what it is called, and what it shows of a study."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
import time
import tomllib

import pytest
from cli_world import write_clips

from audioldm_bench import __version__
from audioldm_bench.cli import main as program
from audioldm_bench.cli.arguments import COMMANDS, build_parser
from audioldm_bench.cli.output import EVALUATED
from config_cases import ROOT


def test_help_comes_at_once_and_imports_nothing_heavy():
    code = "import sys\nfrom audioldm_bench.cli.main import main\nmain(['--help'])\n"
    code += "print([m for m in ('torch', 'numpy', 'h5py', 'soundfile') if m in sys.modules])"
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.monotonic() - start < 5  # 0.1 s on a quiet machine
    assert "evaluate" in done.stdout and done.stdout.endswith("[]\n")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_examples_that_are_right_and_the_exit_codes(call, command):
    done = call(*filter(None, [command]), "--help", weights=False)
    assert done.code == 0 and f"usage: audioldm-bench {command}" in done.out
    assert "Exit codes: 0 done, 1 " in done.out
    examples = re.findall(r"^  (audioldm-bench (?:.*\\\n)*.*)", done.out, re.M)
    assert any(example.startswith(f"audioldm-bench {command}") for example in examples)
    for example in examples:
        words = shlex.split(example.replace("\\\n", " "))
        asked = build_parser().parse_args(words[1:])  # SystemExit if it is wrong
        named = " ".join(getattr(asked, "backbone_weights", []))
        assert not getattr(asked, "captions", None) or "clap=" in named, "no CLAP is published"


def test_the_examples_follow_the_study_that_init_writes(call, tmp_path):
    for label in ("dog", "rain"):
        write_clips(tmp_path / "sounds" / label, range(12))
    made = call("init", "my-study", "--data", "sounds", weights=False)
    steps = re.search(r"model   audioldm-s-full .*; (\d+) steps", made.out)[1]
    place = f"results/my-study/runs/mine/pretrained-text/step-{int(steps):07d}"
    assert place in call("--help", weights=False).out  # of the published model, no models/unet


def test_the_version(call):
    assert call("--version", weights=False).out == f"audioldm-bench {__version__}\n"


def test_the_installed_program_is_this_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"audioldm-bench": "audioldm_bench.cli.main:main"}


def test_a_study_is_shown(call, tmp_path):
    for name in ("tables", "figures"):
        (tmp_path / name).mkdir()
    for name in ("table1", "table2", "benchmark"):
        (tmp_path / "tables" / f"{name}.md").write_text(f"| {name} |\n")
    (tmp_path / "report.html").touch()
    done = call("show", tmp_path, weights=False)
    assert done.code == 0
    places = [done.out.index(f"| {name} |") for name in ("table1", "table2", "benchmark")]
    assert places == sorted(places) and str(tmp_path / "report.html") in done.out
    assert call(tmp_path, weights=False).out == done.out, "the form without `show`"
    (tmp_path / "tables" / "table2.md").unlink()
    done = call("show", tmp_path, weights=False)
    assert done.code == 1 and "run the study first" in done.err


def test_interruption_and_a_full_disk_are_sentences(world, call, monkeypatch):
    def fail(error):
        def run(*_, **__):
            raise error

        monkeypatch.setattr("audioldm_bench.cli.commands.evaluate_folders", run)
        return call("evaluate", world.good, world.real, "--out", "out")

    done = fail(KeyboardInterrupt())
    assert done.code == program.INTERRUPTED
    assert done.err == "\nstopped; features that are finished are kept\n"
    done = fail(OSError(28, "No space left on device", "out/x"))
    assert done.code == 1 and done.err == "audioldm-bench: out/x: No space left on device\n"


def test_a_terminal_without_arrows_gets_the_table_all_the_same(call, tmp_path, monkeypatch):
    (tmp_path / "tables").mkdir()
    for name in ("table1", "table2"):
        (tmp_path / "tables" / f"{name}.md").write_text("| FD ↓ |\n", encoding="utf-8")
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert program.main(["show", str(tmp_path)]) == 0
    out.flush()
    assert b"| FD ? |" in out.buffer.getvalue()


def test_a_damaged_cache_is_named(world, call, tmp_path):
    cache = tmp_path / "cache"
    scored = ("evaluate", world.good, world.real, "--metrics", "fd", "--cache", cache, "--out", "x")
    assert call(*scored).code == 0
    for path in cache.rglob("*.h5"):
        path.write_bytes(b"damaged")
    done = call(*scored)
    assert done.code == 1 and done.err.splitlines()[-1].endswith(f"delete {cache}")


def test_a_command_without_a_cache_gives_no_advice_about_it(call, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no such device")

    monkeypatch.setattr("audioldm_bench.cli.show.show", fail)
    assert call("show", tmp_path, weights=False).err == "audioldm-bench: no such device\n"


def test_the_page_names_options_and_files_that_exist(call):
    page = (ROOT / "docs" / "evaluate.md").read_text(encoding="utf-8")
    known = {"--inf"}  # fadtk's
    for command in ("evaluate", "compare"):
        known |= set(re.findall(r"--[a-z-]+", call(command, "--help", weights=False).out))
    assert set(re.findall(r"(?<![-|])--[a-z][a-z-]*", page)) <= known
    for column in EVALUATED:
        assert f"`{column}`" in page
