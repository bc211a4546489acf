"""What the terminal says: tables that align, and remarks about clips that are not in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from audioldm_bench.cli.sides import some
from audioldm_bench.metrics.registry import VARIANTS, parse_name
from audioldm_bench.typeset import shown

SIDES = ("generated", "reference")


def evaluation_text(record: Mapping) -> str:
    """The table of one evaluation and what is to be known about it."""
    heads = ["metric", "value", _level(record), "N", "full name"]
    rows = []
    for name, found in record["values"].items():
        row = [heading(name), shown(found["value"]), interval(found), str(found["n"]), name]
        rows.append(row)
    for name in record["left_out"]:
        rows.append([heading(name), "–", "", "", name])
    lines = [_title(record), "", *aligned(heads, rows, left=(0, 4)), ""]
    lines += [f"{name} is left out: {why}." for name, why in record["left_out"].items()]
    lines += [
        f"{name} has no interval: {found['why']}."
        for name, found in record["values"].items()
        if found.get("why")
    ]
    return "\n".join([*lines, *remarks(record), ""])


def comparison_text(record: Mapping) -> str:
    """Systems by rank, a column a metric; then the differences to the first one."""
    names = list(dict.fromkeys(n for s in record["systems"].values() for n in s["values"]))
    ranked = sorted(record["systems"].items(), key=lambda item: _place(item[1]["rank"]))
    heads = ["rank", "system", *(heading(name) for name in names)]
    values, spans = [], []
    for system, found in ranked:
        lead = ["–" if found["rank"] is None else str(found["rank"]), system]
        values.append(lead + [shown(_value(found, name)) for name in names])
        spans.append(lead + [interval(found["values"].get(name, {})) for name in names])
    n, by = record["n"], record["rank_by"]
    lines = [f"{len(ranked)} systems on the same {n} clips, ranked by {by}", ""]
    lines += aligned(heads, values, left=(1,))
    lines += ["", f"{_level(record)}s", "", *aligned(heads, spans, left=(1,)), ""]
    lines += [f"{heading(name)}: {name}" for name in names]
    lines += ["", *_behind(ranked, by)]
    for system, left_out in record["left_out"].items():
        lines += [f"{system}: {text}" for text in _missing(left_out)]
        if left_out["not_in_all"]:
            count = left_out["not_in_all"]
            lines.append(f"{system}: {count} of its clips are not scored, for others lack them.")
        lines += _said(record, system)
    return "\n".join([*lines, ""])


def _place(rank: int | None) -> float:
    return float("inf") if rank is None else rank


def _value(found: Mapping, name: str) -> float | None:
    return found["values"].get(name, {}).get("value")


def _behind(ranked: Sequence[tuple[str, Mapping]], by: str) -> list[str]:
    """Which systems differ from the first by more than chance."""
    first, lines = ranked[0][0], []
    for system, found in ranked[1:]:
        gap = found["behind"].get(by)
        if not gap:
            continue
        words = {True: ": beyond chance", False: ": may be chance"}.get(gap["beyond_chance"], "")
        span = f" ({interval(gap)})" if interval(gap) else ""
        lines.append(f"{system} minus {first}, {by}: {shown(gap['difference'])}{span}{words}.")
    return [*lines, ""] if lines else []


def heading(name: str) -> str:
    """`FD ↓` of a full name."""
    kind = VARIANTS[parse_name(name)[0]]
    return f"{kind.label} {'↑' if kind.higher_is_better else '↓'}"


def interval(found: Mapping) -> str:
    """`21.90 .. 24.88`, or nothing where there is no interval."""
    if found.get("low") is None:
        return ""
    return f"{shown(found['low'])} .. {shown(found['high'])}"


def _level(record: Mapping) -> str:
    return f"{100 * record['interval']['level']:g} % interval"


def _title(record: Mapping) -> str:
    folders, n = record["folders"], record["n"]
    if record["mode"] == "paired":
        kind = f"{n} pairs of clips"
    else:
        kind = f"{n} against {record['n_reference']} clips, unpaired"
    return f"{folders['generated']} against {folders['reference']}: {kind}"


def remarks(record: Mapping) -> list[str]:
    """Clips set aside, without a partner, or silent; files that are no clips."""
    lines = [*_few_pairs(record), *_missing(record["unpaired"])]
    for side in SIDES:
        lines += _said(record, side)
    return lines


def _said(record: Mapping, folder: str) -> list[str]:
    """Of one folder, by its key in the record."""
    kinds, others = record["remarks"][folder], record["other_files"][folder]
    lines = [f"{kind}, and scored, {folder}: {some(names)}." for kind, names in kinds.items()]
    return [*lines, f"no clips, {folder}: {some(others)}."] if others else lines


def _few_pairs(record: Mapping) -> list[str]:
    """A word of warning where most clips are left out."""
    counts, n = record["unpaired"]["counts"], record["n"]
    alone = [counts.get(f"missing_{side}", 0) for side in SIDES]
    if record["mode"] == "unpaired" or max(alone) <= n:
        return []
    return [
        f"Most clips have no partner ({n} pairs): if file names mean nothing, use --unpaired; see"
        " also whether names differ by more than their ending."
    ]


def _missing(unpaired: Mapping) -> list[str]:
    lines = []
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        rejected = unpaired.get(f"rejected_{side}", {})
        if rejected:
            told = [f"{name} ({why})" for name, why in rejected.items()]
            lines.append(f"set aside, {side}: {some(told)}.")
        missing = unpaired.get(f"missing_{side}", [])
        if missing:
            lines.append(f"without a partner, {other}: {some(missing)}.")
    return lines


def aligned(heads: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Lines of columns set to the right, but those of the numbers in `left`."""
    rows = list(rows)
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    table = [heads, ["-" * width for width in widths], *rows]
    return [
        "  ".join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
