"""Every command of README and docs, from the text itself: run, planned, or marked and parsed.

| command | what is done here |
|---|---|
| `snakemake` | its arguments are parsed, and it is planned (`-n`); `--unlock` is run |
| `make` | planned (`-n`); `help` and `clean` are run |
| `audioldm-bench` | parsed; `--help` and `init` are run, others by test_small_world.py |
| `python benchmarks/...` | run up to the end of its parsing |
| `python -m pytest` | the paths are there |
| others | must say what they need: `# needs: ...` |

What takes long and has no mark must be in RUN_BY, with the file that runs it whole.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doc_commands import NEEDS, commands, fenced, inline, parse, split_comment
from doc_pages import PAGES, ROOT, blocks, name

from audioldm_bench.cli.arguments import COMMANDS, build_parser

ALL = commands()
UNMARKED = [command for command in ALL if not command.needs]
LANGUAGES = {"sh", "yaml", "python", "csv", "text", "mermaid", "bibtex", "json"}
# commands that take long: where the words are that run them, on every change
CI = ".ci/run"
RUN_BY = {
    "make mini": (CI, "make mini"),
    "make PYTHON=python3.12 mini": (CI, "make mini"),
    "make test": (CI, "make test"),
    "make lint": (CI, "make lint"),
    "make test-full-size": (CI, "make test-full-size"),
    "make .venv": (CI, "make .venv"),
    "snakemake all --configfile config/mini.yaml": (CI, "make mini"),
    "audioldm-bench show results/mini": (CI, "make mini"),
}
MADE_BY_MAKE = {
    "environment.yml": "requirements.lock",
    "workflow/envs/laion.yml": "workflow/envs/laion.txt",
}
# like one that is run: other values, other order; planned here
LIKE = {
    "snakemake all --configfile config/mini.yaml --config study=mini-1 seed=1",
    "snakemake results/mini/systems/esc50/baseline-text/features/tagger.h5 all "
    "--configfile config/mini.yaml",
}
# run here, in the copy
RUN = {
    "make clean",
    "make environment.yml",
    "make help",
    "make workflow/envs/laion.yml",
    "snakemake",
    "snakemake --unlock",
}
# numbers of jobs that the text tells: page, command, words around the number
MINI, PILOT = (f"snakemake all --configfile config/{name}.yaml" for name in ("mini", "pilot"))
COUNTS = [
    ("README.md", MINI, r"\| jobs \| ([\d,]+) \|"),
    ("README.md", PILOT, r"\| jobs \| [\d,]+ \| ([\d,]+) \|"),
    ("README.md", "snakemake -n all", r"\| jobs \| [\d,]+ \| [\d,]+ \| ([\d,]+) \|"),
    ("README.md", "snakemake all --configfile esc50-only.yaml", r"\(([\d,]+) jobs, nothing from"),
    ("docs/datasets.md", "snakemake -n all --configfile my-sounds.yaml", r"\(([\d,]+) for this"),
    ("docs/paper-run.md", PILOT, r"ESC-50 alone, ([\d,]+) jobs"),
]


def of(program: str, among=ALL) -> list:
    return [command for command in among if command.program == program]


def ids(command) -> str:
    return f"{command.place} {command.line}"


def test_the_documentation_has_commands_and_every_block_says_what_it_is() -> None:
    assert len(ALL) > 60
    for page in PAGES:
        for block in blocks(page):
            assert block.language in LANGUAGES, f"{name(page)}:{block.line}: ```{block.language}"


def test_marks_are_known_words() -> None:
    assert {c.place: c.needs - NEEDS for c in ALL if c.needs - NEEDS} == {}


def test_every_command_is_known_or_marked() -> None:
    known = {"snakemake", "make", "audioldm-bench", "python"}
    assert [ids(c) for c in UNMARKED if c.program not in known] == []


def test_what_takes_long_and_has_no_mark_is_run_elsewhere() -> None:
    """Plans (`-n`), and what is quick, are run by the tests below."""
    left = []
    for command in UNMARKED:
        quick = command.line in RUN or command.program == "python"
        plan = command.program == "snakemake" and {"-n", "--dry-run"} & set(command.words)
        ours = command.program == "audioldm-bench"
        short = len(command.words) == 2 or {"init", "--help"} & set(command.words)
        if not (quick or plan or (ours and short) or command.line in {*RUN_BY, *LIKE}):
            left.append(ids(command))
    assert left == []
    for page, words in RUN_BY.values():
        lines = [line.strip() for line in (ROOT / page).read_text().splitlines()]
        assert words in lines, f"{page} does not run `{words}`"
    assert [line for line in {*RUN_BY, *LIKE, *RUN} if line not in {c.line for c in ALL}] == []


def test_snakemake_takes_the_arguments(world) -> None:
    assert world.refused_by_snakemake(of("snakemake")) == {}


@pytest.mark.parametrize("command", of("snakemake"), ids=ids)
def test_a_snakemake_command_can_be_planned(world, command) -> None:
    if "--report" in command.words:
        pytest.skip("of a finished study only; its arguments are parsed above")
    if "--unlock" in command.words:
        done = world.run(sys.executable, "-m", *command.words)
    else:
        done = world.plan(command)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("command", of("make"), ids=ids)
def test_a_make_target_can_be_planned(world, command) -> None:
    words = [*command.words[1:], "PYTHON=python3"]  # another one may not be installed
    done = world.run("make", "-n", *words)
    assert done.returncode == 0, done.stdout
    target = next(word for word in words if "=" not in word)
    assert target in world.run("make", "help").stdout or (ROOT / target).exists()


def test_make_mini_and_esc10_are_the_snakemake_commands_that_the_text_gives(world) -> None:
    for study in ("mini", "esc10"):
        text = world.run("make", "-n", study).stdout
        assert re.search(rf"snakemake all .*--configfile config/{study}\.yaml$", text, re.M)


def test_make_writes_the_environments_for_conda_from_the_pins(world) -> None:
    for made, pins in MADE_BY_MAKE.items():
        lines = (world.root / pins).read_text().splitlines()
        (world.root / pins).write_text("\n".join([*lines, "one-more==1.0"]) + "\n")
        before, done = (world.root / made).read_text(), world.run("make", made)
        assert done.returncode == 0, done.stdout
        assert (world.root / made).read_text() == before + "      - one-more==1.0\n"


def test_make_clean_takes_the_environment_and_leaves_results(tmp_path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in (".venv", "build", "results", "src/__pycache__", "tests", "workflow"):
        (tmp_path / folder).mkdir(parents=True)
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "Makefile",
        "results",
        "src",
        "tests",
        "workflow",
    ]
    assert list((tmp_path / "src").iterdir()) == []


@pytest.mark.parametrize("command", of("audioldm-bench"), ids=ids)
def test_the_program_takes_the_arguments(command) -> None:
    words = list(command.words[1:])
    if len(words) == 1 and not words[0].startswith("-"):
        assert words[0] in COMMANDS  # the text names a subcommand
        return
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            build_parser().parse_args(words)
        except SystemExit as stop:  # --help and --version end it too, with 0
            assert not stop.code, said.getvalue()


def test_help_of_the_program_names_the_subcommands(world) -> None:
    text = world.program("--help").stdout
    assert [c for c in COMMANDS if not re.search(rf"^\s+{c}\b", text, re.M)] == [], text


def test_init_begins_the_studies_of_the_text(world) -> None:
    assert world.begun
    for line, done in world.begun.items():
        assert done.returncode == 0, f"{line}\n{done.stdout}"


def test_benchmarks_take_the_arguments(world) -> None:
    lines = [c for c in of("python") if c.words[1].startswith("benchmarks/")]
    assert lines
    assert world.refused_by_benchmarks(lines) == {}


@pytest.mark.parametrize(
    "command", [c for c in of("python") if not c.words[1].startswith("benchmarks/")], ids=ids
)
def test_other_python_commands_name_what_is_there(command) -> None:
    if command.words[1:3] == ("-m", "pytest"):
        paths = [word for word in command.words[3:] if not word.startswith("-")]
        assert paths and all((ROOT / path).exists() for path in paths)
    else:
        assert (ROOT / command.words[1]).is_file()


@pytest.mark.parametrize(("page", "line", "words"), COUNTS)
def test_the_text_counts_the_jobs_right(world, page, line, words) -> None:
    told = re.search(words, re.sub(r"\s+", " ", (ROOT / page).read_text()))
    assert told, f"{page} does not say {words}"
    assert int(told[1].replace(",", "")) == world.jobs(parse(line, "", page))


def test_commands_are_found_in_blocks_and_in_running_text(tmp_path, monkeypatch) -> None:
    """The check itself: an unmarked command in the text is seen, a mark is read, output is not."""
    page = tmp_path / "troubleshooting.md"
    page.write_text(
        "`make\nmini`, not `snakemake`\n**`make a wish`**\n"
        "`conda create -n x`. <!-- needs: conda, network -->\n\n"
        "- `scontrol show config`, or `kill -9`\n- as in `ffmpeg -i a.m4a a.flac`.\n\n"
        "```sh\n# alone\nsnakemake -n all   # needs: GPU; a dry run\n\n"
        "HF_HUB_OFFLINE=1 .venv/bin/python 'a # b.py' #c\n```\n```text\nmake it\n```\n"
    )
    monkeypatch.setattr("doc_commands.name", lambda page: page.name)
    found = [(c.place, c.line, c.needs) for c in (*inline(page), *fenced(page))]
    assert found == [
        ("troubleshooting.md:1", "make mini", frozenset()),
        ("troubleshooting.md:4", "conda create -n x", {"conda", "network"}),
        ("troubleshooting.md:6", "scontrol show config", frozenset()),
        ("troubleshooting.md:6", "kill -9", frozenset()),
        ("troubleshooting.md:7", "ffmpeg -i a.m4a a.flac", frozenset()),
        ("troubleshooting.md:11", "snakemake -n all", {"GPU"}),
        ("troubleshooting.md:13", "python 'a # b.py'", frozenset()),
    ]
    assert split_comment("a 'b # c' # d") == ("a 'b # c' ", " d")


def test_a_wrong_command_fails(world) -> None:
    """The checks can fail: a misspelt target, option, config and script."""
    wrong = [parse(line, "", "x") for line in ("snakemake -n al", "snakemake --cors 8 all")]
    assert world.plan(wrong[0]).returncode != 0
    assert list(world.refused_by_snakemake(wrong)) == [wrong[1].line]
    script = parse("python benchmarks/features.py --secnds 1", "", "x")
    assert list(world.refused_by_benchmarks([script])) == [script.line]
    assert Path(world.root / "guidance.yaml").exists()
