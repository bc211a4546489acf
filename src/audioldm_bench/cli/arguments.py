"""What can be asked for at the command line. Imports nothing heavy."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from audioldm_bench import __version__
from audioldm_bench.cli import bounds, init
from audioldm_bench.cli.texts import COMPARE, EVALUATE, GENERATE, PROGRAM, SHOW, Text

COMMANDS = ("init", "generate", "evaluate", "compare", "show")
_METRICS = """what to compute: full names (fd_panns_cnn14_16k, kl_softmax_tagger) or variants on the
backbones in use (fd is kl fad kl_sigmoid kad fd_infinite clap_score); default: fd is kl fad, and
clap_score with --captions"""


def build_parser() -> argparse.ArgumentParser:
    """Each command sets `run`, a function of the parsed arguments that returns the exit code,
    `kept`, what is there still after an interruption, and `lighter`, what takes less memory."""
    parser = argparse.ArgumentParser(
        prog="audioldm-bench",
        description=PROGRAM.description,
        epilog=PROGRAM.epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(lighter="end other programs, or take a machine with more")
    parser.add_argument("--version", action="version", version=f"audioldm-bench {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    init.add_parser(commands)
    _add_generate(commands)
    _add_evaluate(commands)
    _add_compare(commands)
    show = _add(commands, "show", SHOW)
    show.add_argument("study", type=Path, metavar="results/<study>")
    show.set_defaults(run=_show)
    return parser


def _add(commands, name: str, text: Text) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text.help,
        usage=text.usage and f"%(prog)s {text.usage}",
        description=text.description,
        epilog=text.epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_generate(commands) -> None:
    parser = _add(commands, "generate", GENERATE)
    add = parser.add_argument
    add("prompts", nargs="*", metavar="PROMPT")
    add(
        "--checkpoint",
        type=Path,
        required=True,
        metavar="DIR",
        help="a run's step, results/<study>/models/unet, or a folder that holds a UNet",
    )
    add("--prompts", type=Path, dest="prompts_file", metavar="FILE", help="more, one a line")
    add(
        "--models",
        type=Path,
        metavar="DIR",
        help="folder of clap, vae and vocoder; default: those of the checkpoint's study",
    )
    add(
        "--seconds",
        type=_number(float, *bounds.SECONDS),
        metavar="S",
        help="length of a sound; this and the next four: default as the study, or the paper",
    )
    add("--sampler", choices=("ddim", "dpm_solver_pp"))
    add("--steps", type=_number(int, bounds.STEPS), metavar="N", help="of the sampler")
    add("--guidance", type=_number(float, *bounds.GUIDANCE), metavar="W", help="1: none")
    add(
        "--candidates",
        type=_number(int, *bounds.CANDIDATES),
        metavar="N",
        help="a prompt; CLAP chooses the one that is written",
    )
    add("--seed", type=int, default=0, metavar="N", help="default 0")
    add(
        "--precision",
        choices=("auto", "fp32", "bf16", "fp16"),
        default="auto",
        help="of the UNet; auto, the default: fp16 on a GPU, fp32 on a CPU",
    )
    add(
        "--batch",
        type=_number(int, *bounds.BATCH),
        default=4,
        metavar="N",
        help="prompts at once on a GPU, default 4; a CPU takes one at a time",
    )
    add("--out", type=Path, metavar="DIR", help="where the files are written; default ./generated")
    parser.set_defaults(
        run=_generate,
        misused=parser.error,
        kept="; sounds that are whole are kept",
        lighter="lower --candidates or --seconds",
    )


def _number(kind: type, least: float, most: float = math.inf) -> Callable[[str], float]:
    """A type for argparse: a finite number within these bounds."""

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most):
            what = "a whole number" if kind is int else "a number"
            within = f"of at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
            raise argparse.ArgumentTypeError(f"'{text}' must be {what} {within}")
        return value

    return read


def _add_evaluate(commands) -> None:
    parser = _add(commands, "evaluate", EVALUATE)
    parser.add_argument("generated", type=Path, metavar="GENERATED_DIR")
    parser.add_argument("reference", type=Path, metavar="REFERENCE_DIR")
    parser.add_argument(
        "--unpaired",
        action="store_true",
        help="file names mean nothing: compare the folders as a whole, without KL",
    )
    _add_shared(parser, "<GENERATED_DIR's name>-metrics")
    parser.set_defaults(run=_evaluate)


def _add_compare(commands) -> None:
    parser = _add(commands, "compare", COMPARE)
    parser.add_argument("systems", nargs="+", metavar="[NAME=]DIR")
    reference = {"type": Path, "required": True, "metavar": "DIR"}
    parser.add_argument("--reference", help="the real clips", **reference)
    parser.add_argument(
        "--bounds",
        nargs="+",
        default=[],
        metavar="[NAME=]DIR",
        help="floor or ceiling, such as other real clips or noise: scored, not ranked",
    )
    parser.add_argument("--rank-by", metavar="METRIC", help="full name; default: the first metric")
    _add_shared(parser, "<the reference's name>-comparison")
    parser.set_defaults(run=_compare)


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
    add(
        "--captions",
        type=Path,
        metavar="CSV",
        help="columns file and caption, for clap_score, which needs --backbone-weights clap=DIR",
    )
    add(
        "--duration",
        type=_number(float, *bounds.DURATION),
        metavar="S",
        help="cut or pad every clip to this; default: each keeps its length (at least 2 s)",
    )
    add(
        "--bootstrap",
        type=_number(int, *bounds.REPLICATES),
        metavar="N",
        help="replicates of the intervals; default 200; 0: none",
    )
    seed = {"type": int, "default": 0, "metavar": "N"}
    add("--seed", help="of the intervals' random halves; default 0", **seed)
    add("--out", type=Path, metavar="DIR", help=f"where the files are written; default ./{out}")
    add(
        "--cache",
        type=Path,
        metavar="DIR",
        help="weights and features; default $AUDIOLDM_BENCH_CACHE, or ~/.cache/audioldm-bench",
    )
    add("--offline", action="store_true", help="download nothing; fail at once instead")
    parser.set_defaults(
        kept="; features that are finished are kept",
        lighter="cut the clips by --duration, or score fewer of them",
    )


def _generate(arguments: argparse.Namespace) -> int:
    from audioldm_bench.cli.generate import generate

    return generate(arguments)


def _evaluate(arguments: argparse.Namespace) -> int:
    from audioldm_bench.cli.commands import evaluate

    return evaluate(arguments)


def _compare(arguments: argparse.Namespace) -> int:
    from audioldm_bench.cli.commands import compare

    return compare(arguments)


def _show(arguments: argparse.Namespace) -> int:
    from audioldm_bench.cli.show import show

    return show(arguments.study)
