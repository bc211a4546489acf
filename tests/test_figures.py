"""Figs. 1 and 2: what they hold, their size in print, the same bytes each time."""

from __future__ import annotations

import csv
import re

import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.figures import COLUMN_WIDTH, COLUMNS2, HEIGHT, make_figure1, make_figure2
from audioldm_bench.files import write_json
from audioldm_bench.labels import CORRUPTIONS, RUNS

PICTURES = ("png", "pdf", "svg")


def paths(folder, *kinds):
    return {kind: folder / f"figure.{kind}" for kind in kinds}


def figure1_csv(folder, names=tuple(CORRUPTIONS)):
    rows = ["corruption,share,fd,is,kl,fad,n"]
    rows += [f"{name},{s},{1 + s},{9 - s},{s},{2 * s},8" for name in names for s in (1.0, 0.5, 0.0)]
    path = folder / "fig1.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def runs(tmp_path):
    def make(steps):
        found = []
        for init, condition in RUNS:
            for step in steps:
                path = tmp_path / f"{init}-{condition}-{step}.json"
                values = {"fd": 100 / step, "is": 1.0 * step, "kl": None, "fad": 5.0, "n": 8}
                write_json(path, values)
                found.append((init, condition, step, path))
        return found

    return make


def curves(svg) -> int:
    """Line styles of curves in an SVG: each with its own stroke, 1.2 pt wide."""
    return len(re.findall(r"stroke-width: 1\.2", svg.read_text()))


def test_figure1_has_a_curve_for_each_corruption_in_each_panel(tmp_path):
    out = paths(tmp_path, "svg")
    make_figure1(figure1_csv(tmp_path), out)
    assert curves(out["svg"]) == 4 * 4 + 4, "four panels and the legend"
    make_figure1(figure1_csv(tmp_path, ["noise", "mask"]), out)
    assert curves(out["svg"]) == 4 * 2 + 2
    text = out["svg"].read_text()
    assert CORRUPTIONS["noise"].colour in text and CORRUPTIONS["disorder"].colour not in text


def test_figure1_has_bands_where_its_table_has_them(tmp_path):
    out = paths(tmp_path, "svg")
    table = figure1_csv(tmp_path)
    make_figure1(table, out)
    assert "fill-opacity: 0.18" not in out["svg"].read_text()
    columns = [f"{metric}_{end}" for metric in ("fd", "is", "kl", "fad") for end in ("low", "high")]
    first, *rows = table.read_text().splitlines()
    rows = [f"{row},0,1,0,1,0,1," + (",0" if "mask" in row else "0,1") for row in rows]
    table.write_text("\n".join([",".join([first, *columns]), *rows]) + "\n")
    make_figure1(table, out)
    text = out["svg"].read_text()
    assert text.count("fill-opacity: 0.18") == 4 * 4 - 1, "masking has no band for FAD"
    assert curves(out["svg"]) == 4 * 4 + 4


def test_figure1_names_what_is_wrong_in_its_table(tmp_path):
    with pytest.raises(UserError, match=r"fig1\.csv: unknown corruption echo; known are noise"):
        make_figure1(figure1_csv(tmp_path, ["echo"]), {})
    (tmp_path / "fig1.csv").write_text("corruption,share,fd\n")
    with pytest.raises(UserError, match=r"fig1\.csv: no column is, kl, fad"):
        make_figure1(tmp_path / "fig1.csv", {})


def test_figure2_table(runs, tmp_path):
    out = paths(tmp_path, "csv")
    make_figure2(runs((40, 20)), out)
    with open(out["csv"], newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS2
    assert [(r["pretrained"], r["train_condition"], r["train_steps"]) for r in rows[:3]] == [
        ("no", "text", "20"),
        ("no", "text", "40"),
        ("no", "audio", "20"),
    ]
    assert (rows[0]["fd"], rows[0]["kl"], rows[0]["n"]) == ("5.0", "", "8")
    assert len(rows) == 8


@pytest.mark.parametrize(("steps", "last"), [((500, 999), "999"), ((20000, 40000), "40")])
def test_figure2_axis_is_in_thousands_where_there_are_that_many(
    runs, tmp_path, monkeypatch, steps, last
):
    from audioldm_bench import figures

    seen = {}
    monkeypatch.setattr(figures, "_draw", lambda curves, label, _: seen.update(c=curves, l=label))
    make_figure2(runs(steps), {})
    assert f"{seen['c'][0][1][-1][0]:g}" == last
    assert ("thousands" in seen["l"]) == (max(steps) >= 1000)
    assert [line.label for line, _ in seen["c"]] == [line.label for line in RUNS.values()]


def test_print_quality_and_the_same_bytes(runs, tmp_path):
    from PIL import Image

    first, second = (paths(tmp_path / name, *PICTURES) for name in ("one", "two"))
    make_figure2(runs((20, 40)), first)
    make_figure2(runs((20, 40))[::-1], second)
    for kind in PICTURES:
        assert first[kind].read_bytes() == second[kind].read_bytes(), kind
    with Image.open(first["png"]) as picture:
        assert picture.size == (round(COLUMN_WIDTH * 300), round(HEIGHT * 300))
    pdf = first["pdf"].read_bytes()
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf, "TrueType, embedded"
    assert b"CreationDate" not in pdf
    assert "<dc:date>" not in first["svg"].read_text()


def test_curves_differ_by_more_than_colour():
    for lines in (CORRUPTIONS.values(), RUNS.values()):
        assert len({(line.dash, line.marker, line.filled) for line in lines}) == 4
    dashes = [line.dash for line in CORRUPTIONS.values()]
    assert len(set(dashes)) == 4
