"""docs/paper-run.md is what benchmarks/plan.py makes."""

import importlib.util
import re

import pytest

from config_cases import ROOT

TEXT = (ROOT / "docs/paper-run.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("plan_benchmark", ROOT / "benchmarks/plan.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks() -> dict[str, str]:
    return dict(re.findall(r"<!-- plan:(\w+) -->\n(.*?)\n<!-- end -->", TEXT, re.S))


def test_every_table_is_there_once(benchmark):
    assert set(blocks()) == set(benchmark.BLOCKS)
    assert TEXT.count("<!-- plan:") == len(benchmark.BLOCKS)


def test_a_block_is_replaced_and_nothing_else(benchmark):
    text = "a\n<!-- plan:x -->\nold\n<!-- end -->\nb\n"
    assert benchmark._replaced(text, "x", "new \\1") == text.replace("old", "new \\1")
    with pytest.raises(SystemExit, match="block y are there 0 times"):
        benchmark._replaced(text, "y", "new")


@pytest.mark.slow
def test_the_pilots_table_is_up_to_date(benchmark):
    assert blocks()["pilot"] == benchmark.stages("pilot")


@pytest.mark.slow
def test_the_papers_tables_are_up_to_date(benchmark):
    assert blocks()["paper"] == benchmark.stages("config")
    assert blocks()["gpus"] == benchmark.gpus()
