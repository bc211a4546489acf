"""Every dataset and model has a licence: in the config, in docs/licences.md, and they agree."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from config_cases import DEFAULT, ROOT, check_named, removing

# what a download entry is known by
ADDRESS = {"url", "repository", "file", "download"}
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", re.M)


def downloads(node: object, name: str = "") -> Iterator[tuple[str, dict]]:
    """(name, entry) of everything in the config that is downloaded; a dataset's files are one."""
    if not isinstance(node, dict):
        return
    if ADDRESS & set(node):
        yield name, node
        return
    for key, child in node.items():
        yield from downloads(child, key)


ENTRIES = dict(downloads(DEFAULT))


def test_all_kinds_of_downloads_are_looked_at():
    published = DEFAULT["models"]["published"]
    kinds = [DEFAULT["datasets"], DEFAULT["lists"]]
    kinds += [published[kind] for kind in ("checkpoints", "tokenizer", "backbones")]
    assert set(ENTRIES) == {name for kind in kinds for name in kind}


def rows() -> list[tuple[str, str, str]]:
    """(name, licence, source) of docs/licences.md, without the heads of its tables."""
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    return [row for row in ROW.findall(page) if row[1] != "licence"]


@pytest.mark.parametrize("name", ENTRIES)
def test_the_page_has_the_configs_licence_and_its_source(name):
    found = [row for row in rows() if row[0] == name]
    assert len(found) == 1, f"docs/licences.md has {len(found)} rows for {name}"
    assert found[0][1] == ENTRIES[name]["licence"]
    assert found[0][2].strip()


def test_the_page_has_nothing_else():
    assert {name for name, *_ in rows()} == set(ENTRIES)


@pytest.mark.parametrize(
    "key",
    [
        "datasets/esc50/licence",
        "lists/audioset_eval_data_subset.json/licence",
        "models/published/tokenizer/vocab.json/licence",
        "models/published/backbones/vggish/licence",
        "models/published/checkpoints/audioldm-s-full/licence",
    ],
)
def test_a_download_without_a_licence_is_refused(key):
    check_named(removing(key), f"`{key.replace('/', '.')}` is missing", "")
