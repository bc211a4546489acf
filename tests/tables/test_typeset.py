"""Numbers and LaTeX as they are read."""

import pytest

from audioldm_bench.typeset import Cell, Line, Sheet, fixed, shown, span, tex_escape
from audioldm_bench.typeset.latex import latex


def test_tex_escape():
    assert tex_escape("50% of #1 {a} ~ ^ \\ – ∞ −") == (
        r"50\% of \#1 \{a\} \textasciitilde{} \textasciicircum{} \textbackslash{} -- "
        r"$\infty$ $-$"
    )
    assert tex_escape("a_b\u00a0c") == r"a\_\allowbreak b~c"


@pytest.mark.parametrize(
    ("value", "two", "small"),
    [(61.634, "61.63", "61.63"), (0.00312, "0.00", "0.0031"), (0.0, "0.00", "0.00")],
)
def test_values(value, two, small):
    assert (fixed(value), shown(value)) == (two, small)
    assert fixed(None) == shown(None) == "–"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (139.04, 153.2, "139 to 153"),
        (9.5, 12.34, "9.50 to 12.3"),
        (-0.5, 0.031, "-0.50 to 0.03"),
        (-0.001, 0.5, "0.00 to 0.50"),
        (99.96, 1000.4, "100 to 1000"),
        (None, 1.0, ""),
        (1.0, None, ""),
    ],
)
def test_intervals_have_about_three_digits(low, high, words):
    assert span(low, high) == words


def test_intervals_of_small_values_keep_two_digits():
    assert span(-0.5, 0.031, shown) == "-0.50 to 0.031"


def sheet(grouped: bool) -> Sheet:
    lines = [
        Line([d, c], [Cell("1.00")], "9", bound=c == "floor") for d in "ab" for c in ("x", "floor")
    ]
    return Sheet("t", "Title.", "", ["Dataset", "What"], ["FD ↓"], grouped=grouped, lines=lines)


def test_groups_and_floors_stand_apart_in_print():
    text = latex(sheet(grouped=True))
    assert text.count(r"\midrule") == 2 and text.count(r"\cmidrule(l){2-4}") == 2
    assert text.count("  a & ") == 1, "a group's name is printed once"
    text = latex(sheet(grouped=False))
    assert text.count(r"\midrule") == 1 and text.count(r"\cmidrule(l){1-4}") == 2
    assert text.count("  a & ") == 2
