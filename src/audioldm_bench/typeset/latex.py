"""LaTeX for print: a floating table across both columns of a page; needs the package booktabs."""

from __future__ import annotations

import re

from .sheet import Line, Sheet

_TEX = {"\\": r"\textbackslash{}", "–": "--", "↓": r"$\downarrow$", "↑": r"$\uparrow$"}
_TEX |= {"∞": r"$\infty$", "\u00a0": "~", "−": "$-$"}
_TEX |= {c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def tex_escape(text: str) -> str:
    """Text as LaTeX prints it, with breaks allowed after the underscores of long names."""
    escaped = "".join(_TEX.get(c, c) for c in text)
    return re.sub(r"\\_", r"\\_\\allowbreak ", escaped)


def latex(sheet: Sheet) -> str:
    heads = [*map(tex_escape, [*sheet.heads, *sheet.metrics]), "$N$"]
    left = len(sheet.heads) - sheet.numbers
    columns = "l" * left + "r" * (len(heads) - left)
    return "\n".join(
        [
            r"% Needs \usepackage{booktabs}; take in with \input.",
            r"\begin{table*}[t]",
            r"\centering",
            rf"\caption{{{tex_escape(f'{sheet.title} {sheet.notes}'.strip())}}}",
            rf"\label{{tab:{sheet.label}}}",
            r"\footnotesize",
            rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            r"\toprule",
            rf"  {' & '.join(heads)} \\",
            r"\midrule",
            *_body(sheet),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
            "",
        ]
    )


def _body(sheet: Sheet) -> list[str]:
    """The lines, with a rule between groups and a shorter one above floor and ceiling."""
    lines: list[str] = []
    previous: Line | None = None
    for line in sheet.lines:
        same = sheet.grouped and previous is not None and previous.lead[0] == line.lead[0]
        if previous is not None and sheet.grouped and not same:
            lines.append(r"\midrule")
        elif previous is not None and line.bound and not previous.bound:
            columns = len(line.lead) + len(line.cells) + 1
            lines.append(rf"\cmidrule(l){{{2 if sheet.grouped else 1}-{columns}}}")
        previous = line
        values = [f"{cell.value} {cell.paper}".strip() for cell in line.cells]
        lines.append(_row(["" if same else line.lead[0], *line.lead[1:], *values, line.n]))
        if any(cell.interval for cell in line.cells):
            small = [_small(cell.interval) for cell in line.cells]
            lines.append(f"  {' & '.join([*[''] * len(line.lead), *small, ''])} \\\\")
    return lines


def _row(cells: list[str]) -> str:
    return f"  {' & '.join(map(tex_escape, cells))} \\\\"


def _small(interval: str) -> str:
    return rf"\scriptsize [{tex_escape(interval.replace(' to ', ', '))}]" if interval else ""
