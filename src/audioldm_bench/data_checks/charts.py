"""Histograms as inline SVG in the page's colours."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 320, 130, 34, 30  # px of the drawing
_RIGHT = 304  # px: where the last bar ends, and half of a label beyond


def histogram(values: np.ndarray, edges: np.ndarray) -> dict:
    """Counts between edges; what lies outside is counted in the first or last bar."""
    inside = np.clip(values, edges[0], edges[-1])
    return {
        "edges": [round(float(edge), 4) for edge in edges],
        "counts": [int(number) for number in np.histogram(inside, edges)[0]],
    }


def bars(drawn: dict, title: str, unit: str) -> str:
    """An svg of a histogram; each bar says its range and count."""
    counts, edges = drawn["counts"], drawn["edges"]
    top, n = max(1, *counts), len(counts)
    step, height = (_RIGHT - _LEFT) / n, _HEIGHT - _BOTTOM - 8
    parts = []
    for place, number in enumerate(counts):
        tall = height * number / top
        words = html.escape(f"{edges[place]:g} to {edges[place + 1]:g} {unit}: {number:,}")
        parts.append(
            f'<rect class="bin" x="{_LEFT + place * step:.1f}" y="{8 + height - tall:.1f}"'
            f' width="{max(1, step - 1):.1f}" height="{tall:.1f}"><title>{words}</title></rect>'
        )
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{html.escape(title, quote=True)}">'
        f"{_axes(edges, top, step, height, unit)}{''.join(parts)}</svg>"
    )


def _axes(edges: Sequence[float], top: int, step: float, height: float, unit: str) -> str:
    base, n = 8 + height, len(edges) - 1
    every = max(1, -(-n // 5))
    marks = "".join(
        f'<text x="{_LEFT + place * step:.1f}" y="{base + 12}" text-anchor="middle">'
        f"{edges[place]:g}</text>"
        for place in range(0, n + 1, every)
    )
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="8" y2="8"/>'
        f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{base}" y2="{base}"/>'
        f'<text x="{_LEFT - 4}" y="12" text-anchor="end">{top:,}</text>'
        f'<text x="{_LEFT - 4}" y="{base}" text-anchor="end">0</text>'
        f'{marks}<text x="{_WIDTH}" y="{_HEIGHT - 4}" text-anchor="end">{html.escape(unit)}</text>'
    )
