"""What can be asked for at the command line. Imports nothing heavy."""

from __future__ import annotations

import argparse
from pathlib import Path

from audioldm_bench import __version__

COMMANDS = ("evaluate", "compare", "show")
_EVALUATE = """Scores GENERATED_DIR against REFERENCE_DIR with FD, IS, KL (PANNs Cnn14, 16 kHz) and
FAD (VGGish), or the metrics that you choose, each with an interval. Clips (wav, flac, ogg, mp3)
pair by file name, whatever the ending. Prints a table and writes metrics.json and metrics.csv."""
_COMPARE = """Scores several folders against one reference on the clips that all of them have, ranks
them, and says which differences are beyond chance. Prints a table and writes comparison.json and
comparison.csv."""
_SHOW = "Prints the tables of a finished study and says where the rest is."
_METRICS = """what to compute: full names (fd_panns_cnn14_16k, kl_softmax_tagger) or variants on the
backbones in use (fd is kl fad kl_sigmoid kad fd_infinite clap_score); default: fd is kl fad, and
clap_score with --captions"""
_EPILOG = "docs/evaluate.md explains each number. Exit codes: 0 done, 1 failed, 2 wrong arguments."


def build_parser() -> argparse.ArgumentParser:
    """Each command sets `run`, a function of the parsed arguments that returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="audioldm-bench",
        description="Scores folders of generated sounds against real ones.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"audioldm-bench {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    help_of = {"epilog": _EPILOG}
    evaluate = commands.add_parser(
        "evaluate",
        help="score a folder of clips",
        usage="%(prog)s GENERATED_DIR REFERENCE_DIR [options]",
        description=_EVALUATE,
        **help_of,
    )
    evaluate.add_argument("generated", type=Path, metavar="GENERATED_DIR")
    evaluate.add_argument("reference", type=Path, metavar="REFERENCE_DIR")
    evaluate.add_argument(
        "--unpaired",
        action="store_true",
        help="file names mean nothing: compare the folders as a whole, without KL",
    )
    _add_shared(evaluate, "<GENERATED_DIR's name>-metrics")
    evaluate.set_defaults(run=_evaluate)
    compare = commands.add_parser(
        "compare",
        help="rank several folders of clips",
        usage="%(prog)s [NAME=]DIR [NAME=]DIR ... --reference DIR [options]",
        description=_COMPARE,
        **help_of,
    )
    compare.add_argument("systems", nargs="+", metavar="[NAME=]DIR")
    compare.add_argument("--reference", type=Path, required=True, metavar="DIR")
    compare.add_argument(
        "--bounds",
        nargs="+",
        default=[],
        metavar="[NAME=]DIR",
        help="floor or ceiling, such as other real clips or noise: scored, not ranked",
    )
    compare.add_argument("--rank-by", metavar="METRIC", help="full name; default: the first metric")
    _add_shared(compare, "<the reference's name>-comparison")
    compare.set_defaults(run=_compare)
    show = commands.add_parser("show", help="print the tables of a study", description=_SHOW)
    show.add_argument("study", type=Path, metavar="results/<study>")
    show.set_defaults(run=_show)
    return parser


def _add_shared(parser: argparse.ArgumentParser, out: str) -> None:
    add = parser.add_argument
    add("--metrics", nargs="+", default=[], metavar="METRIC", help=_METRICS)
    add(
        "--backbones",
        nargs="+",
        default=[],
        metavar="NAME",
        help="networks in place of panns_cnn14_16k and vggish, such as efficientat_mn04",
    )
    add(
        "--backbone-weights",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=PATH",
        help="weights that you have; published ones are downloaded once, and checked",
    )
    add("--captions", type=Path, metavar="CSV", help="columns file and caption, for clap_score")
    add(
        "--duration",
        type=float,
        metavar="S",
        help="cut or pad every clip to this; default: each keeps its length (at least 2 s)",
    )
    add(
        "--bootstrap",
        type=int,
        metavar="N",
        help="replicates of the intervals; default 200; 0: none",
    )
    add("--seed", type=int, default=0, help="of the intervals' random halves; default 0")
    add("--out", type=Path, metavar="DIR", help=f"where the files are written; default ./{out}")
    add(
        "--cache",
        type=Path,
        metavar="DIR",
        help="weights and features; default $AUDIOLDM_BENCH_CACHE, or ~/.cache/audioldm-bench",
    )
    add("--offline", action="store_true", help="download nothing; fail at once instead")


def _evaluate(arguments: argparse.Namespace) -> int:
    from audioldm_bench.cli.commands import evaluate

    return evaluate(arguments)


def _compare(arguments: argparse.Namespace) -> int:
    from audioldm_bench.cli.commands import compare

    return compare(arguments)


def _show(arguments: argparse.Namespace) -> int:
    from audioldm_bench.cli.show import show

    return show(arguments.study)
