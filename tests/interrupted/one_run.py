"""The study that these tests interrupt: one fine-tuning run, from its sounds to its tables."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow"))
from study import TINY  # noqa: E402

S = "results/tiny"
CONFIGS = (TINY, Path(__file__).with_name("one_run.yaml"))
TABLES = [f"{S}/tables/table{number}.{kind}" for number in (1, 2) for kind in ("csv", "md", "tex")]
VOCODED = f"{S}/systems/esc50/vocoded/clips.json"  # a rule that only figures ask for
