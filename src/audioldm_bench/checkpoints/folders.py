"""Component folders of diffusers and transformers, read without trust: config.json and weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import UserError
from ..files import read_json
from ..hub import weights_name


def read_config(path: Path) -> dict:
    """The JSON object in `path`. UserError if the file is missing or holds something else."""
    path = Path(path)
    try:
        config = read_json(path)
    except OSError:
        raise UserError(f"{path} is missing: the folder is not whole") from None
    except ValueError as error:
        raise UserError(f"{path} cannot be read as JSON ({error})") from error
    if not isinstance(config, dict):
        raise UserError(f"{path} holds no JSON object")
    return config


def weights_file(folder: Path, stems: tuple[str, ...]) -> Path:
    """The weights in `folder`: safetensors, else a pickle. UserError if there are none."""
    names = [weights_name(stems, kind) for kind in ("safetensors", "bin")]
    for name in names:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise UserError(f"{folder} has no weights: neither {' nor '.join(names)} is there")


def _plain(value: object) -> object:
    """Tuples as lists, as JSON has them."""
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def differences(found: dict, wanted: dict, ignored: Iterable[str] = ()) -> list[str]:
    """What in the config `found` is not as `wanted`, in words.

    A key that `wanted` lacks is a later release's: it passes if it is switched off.
    """
    words = []
    for key, value in sorted(found.items()):
        if key.startswith("_") or key in ignored or (key not in wanted and value in (None, False)):
            continue
        if key not in wanted:
            words.append(f"{key} is {_plain(value)}, which is unknown")
        elif _plain(value) != _plain(wanted[key]):
            words.append(f"{key} is {_plain(value)}, AudioLDM's is {_plain(wanted[key])}")
    return words


def check_config(path: str, found: dict, wanted: dict, ignored: Iterable[str] = ()) -> None:
    """UserError, with the path and all differences, unless the config is as wanted."""
    if words := differences(found, wanted, ignored):
        raise UserError(f"{path}: {'; '.join(words)}")


def check_some(path: str, found: dict, wanted: dict) -> None:
    """The same for the keys of `wanted` alone; others are the library's bookkeeping."""
    check_config(path, {key: found[key] for key in wanted if key in found}, wanted)
