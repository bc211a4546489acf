"""`evaluate` and `compare`: from parsed arguments to files and a table."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from audioldm_bench.cli import output, terminal
from audioldm_bench.cli.choice import REPLICATES, Options
from audioldm_bench.cli.folders import compare_folders, evaluate_folders
from audioldm_bench.errors import UserError


def evaluate(arguments: argparse.Namespace) -> int:
    options = _options(arguments)
    generated, reference = arguments.generated, arguments.reference
    sides = {"generated": generated, "reference": reference}
    out = arguments.out or output.default_folder("metrics.json", **sides)
    check = _checker(out)
    record = evaluate_folders(
        generated, reference, options, unpaired=arguments.unpaired, before=check
    )
    paths = output.write_evaluation(record, out)
    _tell(terminal.evaluation_text(record), paths)
    return 0


def compare(arguments: argparse.Namespace) -> int:
    options = _options(arguments)
    reference = arguments.reference
    out = arguments.out or output.default_folder("comparison.json", reference=reference)
    named = _named([*arguments.systems, *arguments.bounds])
    names = list(named)
    record = compare_folders(
        named,
        reference,
        options,
        bounds=names[len(arguments.systems) :],
        rank_by=arguments.rank_by,
        before=_checker(out),
    )
    paths = output.write_comparison(record, out)
    _tell(terminal.comparison_text(record), paths)
    return 0


def _checker(out: Path):
    """Looks at the output folder once the inputs are known to be good, and before the long work."""
    return lambda: output.check_folder(out)


def _tell(text: str, paths: Iterable[Path]) -> None:
    print(f"{text.rstrip()}\n\nMade: {', '.join(map(str, paths))}", flush=True)


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        metrics=arguments.metrics,
        backbones=arguments.backbones,
        weights=dict(_pair(text) for text in arguments.backbone_weights),
        captions=arguments.captions,
        duration=arguments.duration,
        replicates=REPLICATES if arguments.bootstrap is None else arguments.bootstrap,
        seed=arguments.seed,
        cache=arguments.cache,
        offline=arguments.offline,
    )


def _pair(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UserError(f"--backbone-weights {text}: write NAME=PATH, such as vggish=vggish.pth")
    return name, Path(path)


def _named(systems: Sequence[str]) -> dict[str, Path]:
    """Folders by name: what stands before `=`, else the folder's own name."""
    found: dict[str, Path] = {}
    for text in systems:
        name, equals, path = text.partition("=")
        named = bool(equals and name and path) and not Path(text).exists()
        folder = Path(path if named else text)
        name = name if named else folder.resolve().name
        if name in found:
            raise UserError(
                f"{folder} and {found[name]}: two systems named '{name}'; write NAME=DIR"
            )
        found[name] = folder
    return found
