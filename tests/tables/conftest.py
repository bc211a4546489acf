"""Made-up metrics files and comparisons, from which the tables are made."""

from __future__ import annotations

import csv
import io

import pytest

from audioldm_bench.files import write_json
from audioldm_bench.metrics.registry import configured
from audioldm_bench.paper import BACKBONES

SOURCE = {"seed": 7, "guidance_scale": 2.5, "steps": 200, "versions": {"torch": "2.13"}}
INTERVAL = {"method": "half-sampling", "replicates": 200, "level": 0.95, "seed": 0}


def record(fd=1.0, is_=2.0, kl=3.0, fad=4.0, **more) -> dict:
    """A metrics.json: every interval reaches a tenth to both sides."""
    names = configured(BACKBONES)
    found = {"fd": fd, "is": is_, "kl": kl, "fad": fad}
    values = {
        names[key]: {"value": v, "low": v and 0.9 * v, "high": v and 1.1 * v, "n": 400}
        for key, v in found.items()
    }
    about = {"names": names, "n": 400, "clip_list_sha256": "ab12", "provenance": SOURCE}
    return found | about | {"values": values, "interval": INTERVAL} | more


@pytest.fixture
def measure(tmp_path):
    """Writes a metrics.json and gives its path."""
    count = iter(range(1000))

    def write(**given):
        path = tmp_path / f"metrics-{next(count)}.json"
        write_json(path, record(**given))
        return path

    return write


@pytest.fixture
def outputs(tmp_path):
    return {kind: tmp_path / "out" / f"table.{kind}" for kind in ("csv", "md", "tex")}


@pytest.fixture
def read():
    """The rows of a csv."""
    return lambda path: list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.fixture
def bounds(measure):
    """Floor and ceilings of a dataset, as the tables take them."""

    def make(dataset, mode="others"):
        floor = {"provenance": {"mode": mode, "seed": 7}}
        return [
            (dataset, "floor", measure(fd=0.5, is_=9.0, kl=0.25, fad=0.75, **floor)),
            (dataset, "ceiling-noise", measure(fd=90.0, is_=1.0, kl=5.0, fad=80.0)),
            (dataset, "ceiling-shuffled", measure(fd=0.0, is_=8.0, kl=6.5, fad=0.0)),
        ]

    return make
