"""The tables of a finished study, at the terminal."""

from __future__ import annotations

from pathlib import Path

from audioldm_bench.errors import UserError


def show(study: Path) -> int:
    """Prints Tables I and II and the benchmark, as far as it was made, and names the rest."""
    from audioldm_bench.tables import print_tables

    tables = [study / "tables" / f"{name}.md" for name in ("table1", "table2", "benchmark")]
    absent = [path for path in tables[:2] if not path.is_file()]
    if absent:
        raise UserError(f"{absent[0]} is not there: run the study first, or name its folder")
    others = [study / "figures" / f"{name}.png" for name in ("fig1", "fig2")]
    others += [study / "figures" / "fig1_claims.md", study / "report.html"]
    print_tables([p for p in tables if p.is_file()], [p for p in others if p.is_file()])
    return 0
