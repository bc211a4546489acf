"""The commands of the documentation: where they stand, what they are, what they need.

A block of commands is fenced as ```sh. A command that cannot be run here says so behind itself or
above, for readers too: `snakemake all_tables  # needs: network, GPU`. In running text the mark is a
comment of Markdown on the same line, for all commands there: `conda info` <!-- needs: conda -->.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from doc_pages import PAGES, blocks, name, spans

NEEDS = {"network", "GPU", "SLURM", "root", "conda", "your sounds", "a finished study"}
NEEDS |= {"ffmpeg", "fadtk"}  # programs that are not ours to install
# by these words code in running text is known as a command; alone they only name the program
PROGRAMS = {
    "apt", "apt-get", "audioldm-bench", "conda", "curl", "fadtk", "ffmpeg", "git", "kill", "make",
    "nvidia-smi", "pip", "python", "python3", "sacct", "sacctmgr", "sbatch", "scancel", "scontrol",
    "sinfo", "snakemake", "squeue", "srun", "tar", "tensorboard", "unzip", "wget", "yt-dlp",
}  # fmt: skip
_MARK = re.compile(r"\bneeds: ([^;>]*?)\s*(?:-->|;|$)")


@dataclass(frozen=True)
class Command:
    """One command line: `words` without comment, variables and the environment's folder."""

    place: str
    text: str
    words: tuple[str, ...]
    needs: frozenset[str]
    variables: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        return self.words[0]

    @property
    def line(self) -> str:
        return shlex.join(self.words)


def parse(text: str, comment: str, place: str) -> Command:
    """`text` is the line without its comment. ValueError: it is no line of a shell."""
    words = shlex.split(text)
    variables = []
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        variables.append(words.pop(0))
    if not words:
        raise ValueError(f"{place}: `{text}` is no command")
    words[0] = re.sub(r"^\.venv/bin/", "", words[0])
    mark = _MARK.search(re.sub(r" ?\([^)]*\)", "", comment))
    needs = frozenset(need.strip() for need in mark[1].split(",")) if mark else frozenset()
    return Command(place, text.strip(), tuple(words), needs, tuple(variables))


def fenced(page: Path) -> Iterator[Command]:
    """Each line of the blocks of commands; a comment alone is of the next one, \\ joins two."""
    for block in blocks(page):
        if block.language != "sh":
            continue
        before = start = ""
        for number, line in enumerate(block.lines, block.line + 1):
            text, comment = split_comment(start + line)
            start = text.rstrip().removesuffix("\\") if text.rstrip().endswith("\\") else ""
            if start:
                continue
            if text.strip():
                yield parse(text, comment or before, f"{name(page)}:{number}")
            before = "" if text.strip() else comment


def split_comment(line: str) -> tuple[str, str]:
    """At the first # that stands behind a space or at the start, outside quotes."""
    quote = ""
    for place, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (place == 0 or line[place - 1].isspace()):
            return line[:place], line[place + 1 :]
    return line, ""


def inline(page: Path) -> Iterator[Command]:
    """Commands in running text: a program of the list, and something behind it."""
    for line, code, rest in spans(page):
        if rest.startswith("**") and page.name == "troubleshooting.md":  # a quoted message
            continue
        words = re.sub(r"^(?:[A-Z_]+=\S+ )*", "", code).split()
        program = re.sub(r"^\.venv/bin/", "", words[0]) if words else ""
        if program in PROGRAMS and len(words) > 1 and words[1] not in ("=", ":"):
            yield parse(code, rest, f"{name(page)}:{line}")


def commands() -> list[Command]:
    return [command for page in PAGES for find in (fenced, inline) for command in find(page)]
