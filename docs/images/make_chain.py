"""Writes chain.svg, the README's picture of the chain: `python docs/images/make_chain.py`."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 1040, 322
BOX, STEP = (116, 58), (150, 106)  # width and height; from box to box
# name: (column, row, first line, second line, kind); columns and rows are counted from 0
STAGES = {
    "dataset": (0, 1, "dataset", "fetched, or yours", "data"),
    "clips": (1, 1, "clips", "manifest, 16 kHz", "data"),
    "clap": (2, 0, "CLAP", "sounds, captions", "models"),
    "vae": (2, 1, "VAE", "latents", "models"),
    "real": (2, 2, "real clips", "and corrupted ones", "systems"),
    "train": (3, 0.5, "training", "of the UNet", "models"),
    "sample": (4, 0.5, "sampling", "best of three", "models"),
    "systems": (5, 1, "systems", "folders of wav", "systems"),
    "foreign": (5, 2, "your models", "folders of sound", "systems"),
    "features": (6, 0, "features", "Cnn14, VGGish", "scores"),
    "metrics": (6, 1, "metrics", "FD, IS, KL, FAD", "scores"),
    "results": (6, 2, "results", "tables, report", "scores"),
}
ARROWS = [
    ("dataset", "clips"),
    ("clips", "clap"),
    ("clips", "vae"),
    ("clips", "real"),
    ("clap", "train"),
    ("vae", "train"),
    ("train", "sample"),
    ("sample", "systems"),
    ("real", "systems"),
    ("foreign", "systems"),
    ("systems", "features"),
    ("features", "metrics"),
    ("metrics", "results"),
]
# fill and line of each kind: told apart in grey by the line's pattern too
COLOURS = {
    "data": ("#e8f1fb", "#2b6cb0", ""),
    "models": ("#fdf0e3", "#b45309", ""),
    "systems": ("#eef7ee", "#2f7d32", "5 3"),
    "scores": ("#f4eefb", "#6b46a5", ""),
}


def corner(stage: str) -> tuple[float, float]:
    """Left upper corner of a stage's box."""
    column, row, *_ = STAGES[stage]
    return 12 + column * STEP[0], 26 + row * STEP[1]


def box(stage: str) -> str:
    *_, title, note, kind = STAGES[stage]
    fill, line, dash = COLOURS[kind]
    x, y = corner(stage)
    middle = x + BOX[0] / 2
    pattern = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<rect x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="8" fill="{fill}" '
        f'stroke="{line}" stroke-width="1.5"{pattern}/>\n'
        f'<text x="{middle}" y="{y + 25}" font-size="14" font-weight="600">{escape(title)}</text>\n'
        f'<text x="{middle}" y="{y + 44}" font-size="11" fill="#444">{escape(note)}</text>'
    )


def arrow(start: str, end: str) -> str:
    """Within a column up or down; else from right side to left side, straight until the last gap
    and there up or down."""
    (x0, y0), (x1, y1) = corner(start), corner(end)
    if x0 == x1:
        x, down = x0 + BOX[0] / 2, y1 > y0
        path = f"M{x} {y0 + BOX[1] if down else y0} L{x} {y1 - 3 if down else y1 + BOX[1] + 3}"
    else:
        y0, y1, turn = y0 + BOX[1] / 2, y1 + BOX[1] / 2, x1 - 17
        path = f"M{x0 + BOX[0]} {y0} L{turn} {y0} L{turn} {y1} L{x1 - 3} {y1}"
    return f'<path d="{path}" marker-end="url(#tip)"/>'


def picture() -> str:
    """The whole svg; its white ground keeps it readable on a dark page."""
    title = "The chain: from a dataset through CLAP, VAE, training and sampling to tables"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{title}" '
        'font-family="Helvetica, Arial, sans-serif" text-anchor="middle" fill="#111">',
        f"<title>{title}</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#555"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="#ffffff"/>',
        '<g fill="none" stroke="#555" stroke-width="1.4" stroke-linejoin="round">',
        *(arrow(*ends) for ends in ARROWS),
        "</g>",
        *(box(stage) for stage in STAGES),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "chain.svg").write_text(picture(), encoding="utf-8")
