"""Figs. 1 and 2: what they hold, their size in print, the same bytes each time."""

from __future__ import annotations

import csv
import re
import zlib

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


def test_figure2_has_bands_where_metrics_have_intervals(runs, tmp_path):
    out = paths(tmp_path, "svg", "csv")
    given = runs((20, 40))
    make_figure2(given, out)
    assert "fill-opacity: 0.18" not in out["svg"].read_text()
    for init, condition, step, path in given:
        names = {"fd": "fd_tagger", "is": "is_tagger", "fad": "fad_embedder", "kl": "kl_x"}
        values = {names[m]: {"low": 1.0 * step, "high": 2.0 * step} for m in ("fd", "is")}
        values |= {"fad_embedder": {"low": None, "high": None}}
        about = {"fd": 1.5, "is": 1.0, "kl": 0.5, "fad": 5.0, "n": 8}
        if (init, condition) != ("scratch", "audio"):
            about |= {"names": names, "values": values}
        write_json(path, about)
    make_figure2(given, out)
    bands = out["svg"].read_text().count("fill-opacity: 0.18")
    assert bands == 2 * 3, "FD and IS of three runs"
    with open(out["csv"], newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[1]["fd_low"], rows[1]["fd"], rows[1]["fd_high"]) == ("40.0", "1.5", "80.0")
    assert {(row["kl_low"], row["fad_high"]) for row in rows} == {("", "")}
    scratch_audio = [row for row in rows if row["pretrained"] == "no"][2:]
    assert [row["fd_low"] for row in scratch_audio] == ["", ""]


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


def test_fonts_are_embedded_and_every_text_has_the_size_of_print(runs, tmp_path):
    """In the PDF all fonts are TrueType with their outlines, and 8 pt; in the SVG no font is
    needed, for its text is outlines."""
    out = paths(tmp_path, "pdf", "svg")
    make_figure2(runs((20, 40)), out)
    pdf = out["pdf"].read_bytes()
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S)
    text = b"\n".join(_inflated(stream) for stream in streams)
    sizes = {float(size) for size in re.findall(rb"/F\S+ ([\d.]+) Tf", text)}
    assert sizes == {8.0}
    fonts = pdf.count(b"/Type /Font\n") + len(re.findall(rb"/Type /Font[ /]", pdf))
    assert fonts >= 1 and b"/FontFile2" in pdf and b"/Type3" not in pdf
    width, height = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf).groups()
    assert (float(width), float(height)) == (72 * COLUMN_WIDTH, pytest.approx(72 * HEIGHT))
    svg = out["svg"].read_text()
    assert "<text" not in svg and "font-family" not in svg and "<image" not in svg


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:  # not packed
        return b""


def _grey(colour: str) -> float:
    """Luma of #rrggbb, 0 to 1: what a printer without colour makes of it."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_curves_differ_by_more_than_colour():
    for lines in (CORRUPTIONS.values(), RUNS.values()):
        assert len({line.dash for line in lines}) == 4
        assert len({(line.marker, line.filled) for line in lines}) == 4
        assert all(_grey(line.colour) < 0.7 for line in lines), "seen on white paper"
    text, audio = (RUNS["scratch", condition].colour for condition in ("text", "audio"))
    assert abs(_grey(text) - _grey(audio)) > 0.2, "so the condition is told apart in grey too"
