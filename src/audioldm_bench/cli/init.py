"""`audioldm-bench init`: the config of a study of one's own recordings. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from audioldm_bench.cli.texts import EXIT_CODES

_DESCRIPTION = """Writes NAME.yaml, the commented config of a study that fine-tunes AudioLDM on your
recordings, and asks nothing. Classes, lengths, folds and splits are taken from the data; without
folds or splits a stratified split is drawn. Nothing is overwritten, and no sound is copied."""
_EPILOG = f"""Example:
  audioldm-bench init my-study --data recordings/metadata.csv
  snakemake all --configfile my-study.yaml

A csv has the columns file, caption and/or label, and where you have them split (train, validation,
test), fold, and group (the recording that a clip is cut from). A folder has one folder a class; its
NAME.csv is written too, for captions of your own. docs/tutorial.md goes through a whole study.
{EXIT_CODES}"""


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Adds `init` to the program's subcommands; its parser sets `run`."""
    parser = commands.add_parser(
        "init",
        help="write the config of a study of your own recordings",
        usage="%(prog)s NAME --data CSV_OR_FOLDER [--offline]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="of the study, and of its folder in results/")
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="CSV_OR_FOLDER",
        help="a csv that names the sounds, or a folder with one folder of sounds a class",
    )
    parser.add_argument(
        "--offline",
        action="store_true",
        help="small models trained from scratch on your sounds: no network, no GPU, to try it out;"
        " default: the published audioldm-s-full, downloaded and fine-tuned (LoRA) on a GPU",
    )
    parser.set_defaults(run=_run)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    from audioldm_bench.new_study.write import new_study

    name = arguments.name.removesuffix(".yaml")
    made = new_study(name, arguments.data, offline=arguments.offline)
    plan, counts = made.plan, made.plan.counts
    classes = f" of {len(plan.classes)} classes" if plan.classes else ""
    print(f"wrote {' and '.join(map(str, made.files))}")
    print(f"  sounds  {plan.clips}{classes}; {made.lengths}")
    print(
        f"  split   {counts['train']} train, {counts['validation']} validation,"
        f" {counts['evaluation']} evaluation: {plan.split.why}"
    )
    how = "small models from scratch, on the CPU" if arguments.offline else _PUBLISHED
    print(f"  model   {how}; {plan.steps} steps, a checkpoint every {plan.checkpoint_every}")
    for note in made.notes:
        print(f"  note    {note}")
    print("next, checks of the sounds, and then the study:")
    for command in made.commands:
        print(f"  {command}")
    return 0


_PUBLISHED = "audioldm-s-full with LoRA (needs a network and a CUDA GPU)"
