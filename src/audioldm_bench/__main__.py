"""`python -m audioldm_bench results/<study>`: prints both tables and says where the rest is."""

from __future__ import annotations

import sys
from pathlib import Path

from .tables import print_tables


def main(arguments: list[str]) -> int:
    """Prints what the study folder named first holds; 1 if there is nothing yet."""
    study = Path(arguments[0]) if arguments else Path("results/paper")
    tables = [study / "tables" / f"{name}.md" for name in ("table1", "table2")]
    absent = [path for path in tables if not path.is_file()]
    if absent:
        print(f"{absent[0]} is not there: run the study first, or name its folder", file=sys.stderr)
        return 1
    figures = [study / "figures" / f"{name}.png" for name in ("fig1", "fig2")]
    print_tables(tables, [p for p in [*figures, study / "report.html"] if p.is_file()])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
