"""The config's schema and config.yaml describe the same keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config_cases import DEFAULT, SCHEMA


def resolved(node: dict) -> dict:
    reference = node.get("$ref")
    return {**SCHEMA["$defs"][reference.rpartition("/")[2]], **node} if reference else node


def nodes(node: dict, path: str, value: Any) -> Iterator[tuple[str, dict, Any]]:
    """(path, subschema, value in config.yaml or None) for every key that the schema describes."""
    node = resolved(node)
    yield path, node, value
    values = value if isinstance(value, dict) else {}
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}/{name}", values.get(name))
    if isinstance(node.get("additionalProperties"), dict):
        for name in values or ["any"]:
            yield from nodes(node["additionalProperties"], f"{path}/{name}", values.get(name))
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]", value[0] if value else None)


ALL_NODES = list(nodes(SCHEMA, "", DEFAULT))


def test_every_key_of_the_schema_is_described() -> None:
    assert [path for path, node, _ in ALL_NODES if not node.get("description")] == []
    assert [path for path, node, _ in ALL_NODES if "default" in node] == []


def test_schema_and_default_config_hold_the_same_keys() -> None:
    """A key of the schema that config.yaml lacks must say that it is optional, and be so."""
    for path, node, value in ALL_NODES:
        if not isinstance(value, dict) or "properties" not in node:
            continue
        described = {name: resolved(child) for name, child in node["properties"].items()}
        optional = {
            name
            for name, child in described.items()
            if child.get("description", "").startswith("Optional. ")
        }
        assert set(value) <= set(described), path
        assert set(described) - set(value) <= optional, path
        assert set(node["required"]) == set(described) - optional, path


def test_only_named_maps_and_library_arguments_are_open() -> None:
    """A misspelt key must not pass in silence."""
    is_open = {
        path
        for path, node, _ in ALL_NODES
        if "object" in (node.get("type") or []) and node.get("additionalProperties") is not False
    }
    maps = {"/datasets", "/lists", "/training/steps"}
    maps |= {"/models/published/checkpoints", "/models/published/backbones"}
    maps |= {"/models/trained/clap/wordings", "/systems", "/systems/any/folders"}
    checkpoints = DEFAULT["models"]["published"]["checkpoints"]
    named = {f"/models/published/checkpoints/{name}" for name in checkpoints}
    maps |= {f"{path}{clap}/checksums" for path in named for clap in ("", "/clap")}
    passed_on = {"clap/audio", "clap/text", "vae/model", "vocoder/model", "diffusion/unet"}
    assert is_open == maps | {f"/models/trained/{part}" for part in passed_on}
