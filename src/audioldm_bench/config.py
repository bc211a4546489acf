"""The config of a study is checked before any job: every mistake in a sentence, with its cure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from .config_checkpoints import broken_checkpoints
from .config_clap import broken_clap
from .config_metrics import broken_metrics
from .config_rules import broken_rules, one_of, used_datasets
from .config_signals import broken_signals
from .config_systems import broken_systems
from .errors import UserError

__all__ = ["canonical", "check_config", "checkpoint_steps", "load_schema", "used_datasets"]

# A number to YAML 1.2 but a text to YAML 1.1, which Snakemake reads: 1e-4, 1.0e4.
_EXPONENT = re.compile(r"([-+]?\d+)(\.\d*)?[eE]([-+]?)(\d+)")

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a section with keys",
    "string": "a text",
}

_LIMITS = {
    "exclusiveMaximum": "it must be less than {}",
    "exclusiveMinimum": "it must be more than {}",
    "maximum": "it must be at most {}",
    "minItems": "it must name at least {}",
    "minLength": "it must not be empty",
    "minProperties": "it must have at least {} key",
    "minimum": "it must be at least {}",
    "uniqueItems": "it must not name anything twice",
}


def canonical(value: Any) -> Any:
    """The same config written one way: sections sorted by key, whole numbers without a point."""
    if isinstance(value, dict):
        return {key: canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def load_schema(path: str | Path) -> dict:
    """workflow/schemas/config.schema.yaml as read."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


def checkpoint_steps(last: int, every: int) -> list[int]:
    """Steps after which a training leaves a checkpoint: each `every` steps, and the last step.

    The last segment may be shorter: the paper shows US8K at 350 K, other checkpoints at 20 K steps.
    """
    return [*range(every, last, every), last]


def check_config(config: dict, schema: dict, base: Path) -> None:
    """Refuse a config that a study cannot be run with.

    `schema` is workflow/schemas/config.schema.yaml as read; relative paths in `config` count from
    `base`. Raises UserError that lists all mistakes, a sentence each: key, what was found, cure.
    """
    errors = sorted(_validator(schema).iter_errors(config), key=lambda e: list(map(str, e.path)))
    sentences = [text for error in errors for text in _sentences(error, schema)]
    sentences += [*broken_rules(config, Path(base)), *broken_signals(config)]
    sentences += broken_checkpoints(config, Path(base))
    sentences += broken_clap(config, Path(base))
    sentences += broken_metrics(config)
    sentences += broken_systems(config, Path(base))
    sentences = list(dict.fromkeys(sentences))
    if sentences:
        count = "1 mistake" if len(sentences) == 1 else f"{len(sentences)} mistakes"
        listed = "\n".join(f"  - {sentence}" for sentence in sentences)
        raise UserError(
            f"The config has {count}; mend your --configfile, or config/config.yaml:\n{listed}"
        )


def _validator(schema: dict) -> Any:
    """JSON Schema, but 5.0 is no integer (it would not do as a count) and NaN is no number."""

    def is_integer(_: Any, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    def is_number(_: Any, value: Any) -> bool:
        return is_integer(_, value) or (isinstance(value, float) and math.isfinite(value))

    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"integer": is_integer, "number": is_number}
    )
    return extend(Draft202012Validator, type_checker=checker)(schema)


def _sentences(error: ValidationError, schema: dict) -> Iterator[str]:
    """What one violation of the schema is, in words; several if it is about several keys."""
    key, limit = _dotted(error.absolute_path), error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        name = error.instance
        yield f"`{_join(key, name)}`: `{name}` cannot be a name here; use {_meaning(error.schema)}."
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                yield _unknown_key(key, str(name), list(known), schema)
    elif error.validator == "required":
        for name in limit:
            if name not in error.instance:
                yield _missing_key(_join(key, name), error.schema["properties"][name], schema)
    else:
        subject = f"`{key}`" if key else "the config"
        yield f"{subject} is {_shown(error.instance)}: {_cure(error)}."


def _cure(error: ValidationError) -> str:
    if error.validator == "enum":
        return one_of(error.instance, error.validator_value)
    if error.validator == "pattern":
        return f"it must be {_meaning(error.schema)}"
    if error.validator == "type":
        return _type_cure(error.instance, error.validator_value)
    if error.validator in _LIMITS:
        return _LIMITS[error.validator].format(error.validator_value)
    return error.message


def _type_cure(value: Any, types: str | list[str]) -> str:
    types = [types] if isinstance(types, str) else types
    cure = "it must be " + " or ".join(_TYPES[kind] for kind in types)
    if {"integer", "number"} & set(types):
        if isinstance(value, str) and _reads_as_number(value):
            return f"{cure}; {_number_cure(value)}"
        if isinstance(value, float) and value.is_integer():
            return f"{cure}; write {int(value)}"
    if isinstance(value, str) and value and types == ["array"]:
        return f"{cure}; write [{value}]"
    return cure


def _number_cure(text: str) -> str:
    match = _EXPONENT.fullmatch(text.strip())
    if match:
        whole, fraction, sign, exponent = match.groups()
        number = f"{whole}{fraction if fraction not in (None, '.') else '.0'}"
        return f"YAML reads this as a text; write {number}e{sign or '+'}{exponent}"
    return (
        f"write {text.strip()} without quotes, in a config file "
        "(Snakemake's --config reads what is inside braces as text)"
    )


def _reads_as_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _unknown_key(parent: str, name: str, known: list[str], schema: dict) -> str:
    head = f"unknown key `{_join(parent, name)}`: "
    homes = [path for path in _known_paths(schema) if path.rpartition(".")[2] == name]
    close = get_close_matches(name, known, n=1)
    if close:
        head += f"did you mean `{close[0]}`? "
    elif homes:
        head += "a key of that name stands at " + ", ".join(f"`{h}`" for h in homes) + ". "
    else:
        head += "remove it. "
    return head + f"Known keys here: {', '.join(known)}."


def _missing_key(key: str, subschema: dict, schema: dict) -> str:
    subschema = _resolved(subschema, schema)
    kind = "section" if subschema.get("type") == "object" else "key"
    return (
        f"{kind} `{key}` is missing: add it ({_meaning(subschema)}); "
        "config/config.yaml shows its usual value."
    )


def _known_paths(schema: dict, node: dict | None = None, path: str = "") -> Iterator[str]:
    """Dotted paths of all keys with fixed names; free-named maps are left out."""
    node = _resolved(schema if node is None else node, schema)
    for name, child in node.get("properties", {}).items():
        yield _join(path, name)
        yield from _known_paths(schema, child, _join(path, name))


def _resolved(node: dict, schema: dict) -> dict:
    """The node with its `$ref` followed; its own description goes before the referred one's."""
    reference = node.get("$ref")
    return {**schema["$defs"][reference.rpartition("/")[2]], **node} if reference else node


def _meaning(node: dict) -> str:
    text = node.get("description", "what the schema says").removeprefix("Optional. ")
    # Not if the first word is an abbreviation ("CPU threads") or a name in itself ("CLAP").
    return text[0].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _dotted(path: Any) -> str:
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else _join(text, part)
    return text


def _join(parent: str, name: object) -> str:
    return f"{parent}.{name}" if parent else str(name)


def _shown(value: Any) -> str:
    if value is None:
        return "empty (null)"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
