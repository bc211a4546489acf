"""The program `audioldm-bench`, which is also `python -m audioldm_bench`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from audioldm_bench.cli.arguments import COMMANDS, build_parser
from audioldm_bench.cli.utf8 import shown
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
    except BrokenPipeError:  # the reader of the table has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print(f"\nstopped{getattr(options, 'kept', '')}", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        sentence = _sentence(error, options)
        if sentence is None:
            raise
        print(f"audioldm-bench: {sentence}", file=sys.stderr)
        return FAILED


def _sentence(error: Exception, options: argparse.Namespace) -> str | None:
    """Of what a user can mend; None of what only we can, which keeps its traceback."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        before = error.object[: error.end].splitlines()[-1]
        return f"{shown(before)}...: this name is not UTF-8; rename the file or folder"
    if _out_of_memory(error):
        return f"the memory does not suffice for this: {options.lighter}"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"{error}{_cache_advice(options)}" if isinstance(error, OSError) else None


def _out_of_memory(error: Exception) -> bool:
    """Also torch's own errors, known by their words: importing it here would delay every answer."""
    words = ("can't allocate memory", "not enough memory", "out of memory")
    told = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return told or isinstance(error, MemoryError)


def _cache_advice(options: argparse.Namespace) -> str:
    """The end of a sentence, for commands that have a cache."""
    from audioldm_bench.cli.weights import default_cache

    if not hasattr(options, "cache"):
        return ""
    return f"; if a file of the cache is damaged, delete {options.cache or default_cache()}"
