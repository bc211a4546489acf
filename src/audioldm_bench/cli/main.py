"""The program `audioldm-bench`, which is also `python -m audioldm_bench`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from audioldm_bench.cli.arguments import COMMANDS, build_parser
from audioldm_bench.errors import UserError
from audioldm_bench.job import quiet_libraries
from audioldm_bench.memory import reuse_memory

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """0: done; 1: it cannot be done, with one sentence why; 2: wrong arguments; 130: Ctrl-C."""
    quiet_libraries()
    reuse_memory()
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv and argv[0] not in COMMANDS and Path(argv[0]).is_dir():
        argv = ["show", *argv]  # as `python -m audioldm_bench results/mini` always did
    for stream in (sys.stdout, sys.stderr):  # a terminal without arrows gets question marks
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = argparse.Namespace()
    try:
        build_parser().parse_args(argv, options)
        return options.run(options)
    except SystemExit as stop:  # argparse's: help, or wrong arguments
        return int(stop.code or 0)
    except UserError as error:
        return _failed(str(error))
    except BrokenPipeError:  # the reader of the table has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename:
            return _failed(f"{error.filename}: {error.strerror}")
        return _failed(f"{error}{_cache_advice(options)}")
    except KeyboardInterrupt:
        print(f"\nstopped{getattr(options, 'kept', '')}", file=sys.stderr)
        return INTERRUPTED


def _cache_advice(options: argparse.Namespace) -> str:
    """The end of a sentence, for commands that have a cache."""
    from audioldm_bench.cli.weights import default_cache

    if not hasattr(options, "cache"):
        return ""
    return f"; if a file of the cache is damaged, delete {options.cache or default_cache()}"


def _failed(sentence: str) -> int:
    print(f"audioldm-bench: {sentence}", file=sys.stderr)
    return FAILED
