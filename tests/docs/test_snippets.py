"""Blocks of the documentation that are no commands: pieces of config and Python, the picture."""

from __future__ import annotations

import ast
import csv
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from doc_pages import PAGES, ROOT, Block, blocks, name

from audioldm_bench import __version__
from audioldm_bench.config import check_config
from audioldm_bench.errors import UserError
from config_cases import DEFAULT, SCHEMA, merged

PROFILE = {"default-resources", "set-resources"}  # keys of Snakemake's profiles
ARCHIVE = ["101 - Dog/1-1-A.ogg", "101 - Dog/5-2-A.ogg", "102 - Rain/2-3-A.ogg"]


def of(language: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def ids(block: Block) -> str:
    return f"{name(block.page)}:{block.line}"


def mistakes(changes: dict, folder: Path) -> list[str]:
    """What the config's check says of `changes` over config.yaml, but for files of the user's."""
    try:
        check_config(merged(DEFAULT, changes), SCHEMA, folder)
    except UserError as error:
        lines = str(error).splitlines()[1:]
        files = ("no folder", "no file", "no program")
        return [one for one in lines if not any(words in one for words in files)]
    return []


@pytest.mark.parametrize("block", of("yaml"), ids=ids)
def test_a_piece_of_config_is_taken(block, tmp_path) -> None:
    content = yaml.safe_load(block.text)
    if not PROFILE & set(content):
        assert mistakes(content, tmp_path) == []


def test_a_wrong_piece_of_config_is_found(tmp_path) -> None:
    assert len(mistakes({"sampling": {"setps": 5}, "seed": "one"}, tmp_path)) == 2


@pytest.mark.parametrize("block", of("python"), ids=ids)
def test_imports_of_python_are_there(block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom):
            module = import_module(node.module)
            assert [each.name for each in node.names if not hasattr(module, each.name)] == []


def test_the_csv_of_esc10_is_written_as_the_text_says(tmp_path) -> None:
    for file in ARCHIVE:
        (tmp_path / "esc10" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "esc10" / file).touch()
    (block,) = (b for b in of("python") if name(b.page) == "docs/datasets.md")
    subprocess.run([sys.executable, "-c", block.text], cwd=tmp_path, check=True)
    with open(tmp_path / "esc10/esc10.csv", newline="") as file:
        rows = [(row["file"], row["label"], row["fold"]) for row in csv.DictReader(file)]
    assert rows == [(ARCHIVE[0], "Dog", "1"), (ARCHIVE[1], "Dog", "5"), (ARCHIVE[2], "Rain", "2")]


def test_the_picture_of_the_chain_is_what_its_script_draws() -> None:
    folder = ROOT / "docs/images"
    script = runpy.run_path(str(folder / "make_chain.py"))
    assert (folder / "chain.svg").read_text(encoding="utf-8") == script["picture"]()


def test_the_readme_starts_with_the_two_commands() -> None:
    """On the first screen: before any picture, table or second heading."""
    first = blocks(ROOT / "README.md")[0]
    assert [line.split("#")[0].strip() for line in first.lines] == ["make mini", "make test"]
    before = (ROOT / "README.md").read_text().splitlines()[: first.line]
    assert first.line < 15 and not any(line.startswith(("##", "!", "|")) for line in before)


def test_the_readme_cites_as_citation_cff_does() -> None:
    """Titles, authors and version; CITATION.cff is what other programs read."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    paper, software = of("bibtex")[0].text.replace("{", "").replace("}", "").split("@software")
    assert cff["title"] in software and f"version = {cff['version']}" in software
    assert cff["version"] == __version__
    assert [author["name"] for author in cff["authors"]] == ["audioldm-bench contributors"]
    assert "audioldm-bench contributors" in software
    (reference,) = cff["references"]
    assert reference["title"] in paper and reference["url"].rpartition("/")[2] in paper
    names = (f"{one['family-names']}, {one['given-names']}" for one in reference["authors"])
    assert " and ".join(names) in paper
