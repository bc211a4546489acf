"""Ways to spoil a config, shared by the tests of its check."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from audioldm_bench.config import check_config, load_schema
from audioldm_bench.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = load_schema(ROOT / "workflow/schemas/config.schema.yaml")
DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))

MINI = yaml.safe_load((ROOT / "config/mini.yaml").read_text(encoding="utf-8"))
TRAINED = {**MINI["models"]["trained"], "dataset": "audioset"}


def merged(config: Any, changes: Any) -> Any:
    """The config with the changes laid over it, section by section, as Snakemake does."""
    if not isinstance(config, dict) or not isinstance(changes, dict):
        return copy.deepcopy(changes)
    both = {key: merged(config.get(key), value) for key, value in changes.items()}
    return {**copy.deepcopy(config), **both}


def put(config: dict, key: str, value: Any) -> None:
    *sections, last = key.split("/")
    for section in sections:
        config = config[section]
    config[last] = value


def setting(key: str, value: Any) -> Callable[[dict], None]:
    return lambda config: put(config, key, value)


def removing(key: str) -> Callable[[dict], None]:
    def change(config: dict) -> None:
        *sections, last = key.split("/")
        for section in sections:
            config = config[section]
        del config[last]

    return change


def laying(**changes: Any) -> Callable[[dict], None]:
    def change(config: dict) -> None:
        config.update(merged(config, changes))

    return change


def complaints(config: Any, base: Path = ROOT) -> list[str]:
    """The sentences with which the config is refused; none if it is accepted."""
    try:
        check_config(config, SCHEMA, base)
    except UserError as error:
        return [line.removeprefix("  - ") for line in str(error).splitlines()[1:]]
    return []


def check_named(change: Callable[[dict], None], key: str, cure: str) -> None:
    """The default config with the change is refused; one sentence has both the key and the cure."""
    config = copy.deepcopy(DEFAULT)
    change(config)
    sentences = complaints(config)
    assert any(key in sentence and cure in sentence for sentence in sentences), sentences
