"""docs/configuration.md has a row for every key of the schema, and none for another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from doc_pages import ROOT, prose

from config_cases import SCHEMA

PAGE = ROOT / "docs/configuration.md"
# described in a row as a whole: what is below stands in config.yaml, and elsewhere in the docs
AS_A_WHOLE = {
    "datasets.*.download",
    "datasets.*.synthetic",
    "models.published.backbones",
    "models.published.checkpoints.*",
    "models.published.tokenizer",
    "models.trained",
    "training.lora",
}


def keys(node: dict, path: str = "") -> Iterator[str]:
    """Dotted paths of the schema; `*` is a name that the user gives."""
    reference = node.get("$ref", "").rpartition("/")[2]
    node = {**SCHEMA["$defs"][reference], **node} if reference else node
    children = dict(node.get("properties", {}))
    if isinstance(node.get("additionalProperties"), dict):
        children["*"] = node["additionalProperties"]
    if path in AS_A_WHOLE or not children:
        yield path
        return
    for name, child in children.items():
        yield from keys(child, f"{path}.{name}".lstrip("."))


KNOWN = set(keys(SCHEMA))
PARENTS = {path.rsplit(".", n)[0] for path in KNOWN for n in range(1, path.count(".") + 1)}


def rows() -> set[str]:
    """Dotted paths of the first cells of the page's tables, below the bold section above them."""
    found, section = set(), ""
    for line in prose(PAGE).splitlines():
        if line.startswith("**"):
            sections = re.findall(r"`([^`]+)`", line.split("**")[1])
            section = sections[0] if len(sections) == 1 else ""
        elif line.startswith("| `") and not line.startswith("| `config/"):
            found |= set(cell(line.split("|")[1], re.sub(r"<\w+>", "*", section)))
    return found


def cell(text: str, section: str) -> Iterator[str]:
    """`a.b`, `.c` and `d` of a cell: a.b, a.c, d; below the section where there is such a key."""
    before = ""
    for key in re.findall(r"`([^`]+)`", re.sub(r"<\w+>", "*", text)):
        key = before.rpartition(".")[0] + key if key.startswith(".") else key
        before = key
        yield f"{section}.{key}" if section and section != key else key


def told_in_a_sentence() -> set[str]:
    """Keys of sections that have no table: **`section`**, and its keys on the same line."""
    found = set()
    for line in prose(PAGE).splitlines():
        heading = re.match(r"\*\*`(\w+)`\*\*(.*)", line)
        for key in re.findall(r"`(\w+)`", heading[2]) if heading else ():
            found |= {f"{heading[1]}.{key}", f"{heading[1]}.*.{key}"}
    return found


def test_every_key_of_the_schema_has_a_row() -> None:
    patterns = rows() | told_in_a_sentence()
    told = {path for path in KNOWN if any(fnmatchcase(path, pattern) for pattern in patterns)}
    assert sorted(KNOWN - told) == []


def test_every_row_is_a_key_of_the_schema() -> None:
    assert len(rows()) > 60
    there = KNOWN | PARENTS
    assert [r for r in sorted(rows()) if not any(fnmatchcase(path, r) for path in there)] == []
