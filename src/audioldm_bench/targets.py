"""What can be asked of the workflow: printed by `snakemake` without a target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

LONGEST = 110  # characters of a sentence


def first_sentence(config: Path) -> str:
    """Of the comment that a config file opens with; of a long one what stands before its colon."""
    lines = []
    for line in config.read_text(encoding="utf-8").splitlines():
        if not line.startswith("# "):
            break
        lines.append(line[2:].strip())
    sentence = re.split(r"(?<=[\w)]{2}\.)\s", " ".join(lines))[0].rstrip(".")
    return sentence if len(sentence) < LONGEST else sentence.partition(":")[0]


def _columns(rows: Mapping[str, str]) -> list[str]:
    width = max(map(len, rows), default=0)
    return [f"  {name.ljust(width)}  {text}" for name, text in rows.items()]


def targets_text(study: str, targets: Mapping[str, str], config_folder: Path) -> str:
    """Targets, by name with a line each; studies in `config_folder`; the commands to go on with.

    `study`: the name of the config that was read.
    """
    presets = sorted(config_folder.glob("*.yaml"), key=lambda p: (p.name != "mini.yaml", p.name))
    studies = {f"config/{path.name}": first_sentence(path) for path in presets}
    return "\n".join(
        [
            "Name what is to be made:",
            "",
            *_columns({name: text.rstrip(".") for name, text in targets.items()}),
            "",
            "of a study (--configfile FILE after the target; without, config/config.yaml):",
            "",
            *_columns(studies),
            "",
            f"The config that was read is of the study '{study}'. Next:",
            "",
            "  snakemake --cores 2 all --configfile config/mini.yaml  # or: make mini",
            "  snakemake -n all --configfile FILE                     # says what would be done",
            "  audioldm-bench init my-study --data sounds.csv         # for your own sounds",
            "",
            "Nothing was done.",
        ]
    )
