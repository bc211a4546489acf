"""Gathers what the page shows and writes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..files import write_atomically
from ..templates import templates
from . import appendix, benchmark, costs, curves, pictures, results, sounds
from .claims import claim_grid
from .findings import findings
from .provenance import how_computed

_HERE = Path(__file__).parent
_FIGURES = {
    "figure1": (
        "Figure 1",
        "Each metric against the share of corrupted clips: noise on the log-mel, masking, events "
        "in another order, interfering sounds. A metric that a corruption does not move is blind "
        "to it. Bands are intervals.",
    ),
    "figure2": (
        "Figure 2",
        "Each metric as training goes on, from scratch or from the pre-trained model, with audio "
        "or text as the training condition. Bands are intervals.",
    ),
}


def write_report(
    out_html: Path,
    *,
    study: str,
    config: dict,
    tables: Mapping[str, Path],
    figures: Mapping[str, Path],
    components: Iterable[Path],
    systems: Iterable[tuple[str, str, Path]],
    runs: Iterable[tuple[str, str, str, Path]],
    missing: Iterable[tuple[str, Path]],
    audio: Iterable[tuple[str, Sequence[Path]]],
    benchmarks: Iterable[Path],
    sounds_per_dataset: int,
    ranking: Path | None = None,
    foreign: Mapping[str, str] | None = None,
    claims: Path | None = None,
    metrics: Iterable[tuple[str, str, Path]] = (),
    gpu_keys: Mapping[str, str | None] | None = None,
    gpus: Mapping[str, int] | None = None,
) -> None:
    """Writes one page that needs nothing else: no network, no other file.

    `tables`: table1 and table2, their csv; `figures`: figure1 and figure2, their svg;
    `components`: quality.json files; `systems`: (dataset, system, folder of wavs);
    `runs`: (dataset, init, condition, training.csv), one a segment; `missing`: (dataset,
    missing.csv); `audio`: (dataset, waveform stores); `benchmarks`, `gpu_keys`, `gpus`: as
    `costs.rule_costs` says;
    `ranking`: the benchmark table's csv; `foreign`: labels of other people's systems, by name;
    `claims`: fig1_claims.csv; `metrics`: (dataset, system, metrics.json) of the tables' rows.
    """
    rows = {name: results.read_rows(path) for name, path in tables.items()}
    table1, table2 = rows.get("table1", []), rows.get("table2", [])
    computed = how_computed(metrics)
    charts = curves.training_charts(runs)
    context = {
        "study": study,
        "findings": findings(table1, results.first_choice(table2)),
        "tables": {
            name: results.table_context(name, found, computed) for name, found in rows.items()
        },
        "rankings": benchmark.rankings(results.read_rows(ranking) if ranking else [], computed),
        "level": _level(config),
        "foreign": results.foreign_backbones([*table1, *table2]),
        "chosen": results.how_chosen(table2),
        "figures": _figures(figures),
        "claims": claim_grid(claims),
        "components": appendix.component_cards(components),
        "sounds": sounds.sound_rows(
            systems, table2, per_dataset=sounds_per_dataset, mel=config["mel"], foreign=foreign
        ),
        "charts": charts,
        "legend": curves.legend(any(chart["validated"] for chart in charts)),
        "absent": appendix.absent_clips(missing, audio),
        "costs": costs.rule_costs(benchmarks, gpu_keys, gpus),
        "gpus": {key: number for key, number in (gpus or {}).items() if number},
        "config": _yaml(config),
    }
    text = _render(context)
    with write_atomically(Path(out_html)) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def _figures(paths: Mapping[str, Path]) -> list[dict]:
    found = []
    for name, (title, caption) in _FIGURES.items():
        if name in paths:
            svg = pictures.inline_svg(paths[name], name, f"{title}. {caption}")
            found.append({"title": title, "caption": caption, "svg": svg})
    return found


def _level(config: Mapping) -> str:
    """Of the intervals, in words: "95 % "; empty where the config does not say."""
    level = ((config.get("metrics") or {}).get("bootstrap") or {}).get("level")
    return f"{100 * level:g}\u00a0% " if level else ""


def _yaml(config: dict) -> str:
    import yaml

    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=88)


def _render(context: dict) -> str:
    environment = templates(_HERE, markup=True)
    environment.filters["duration"] = costs.duration
    environment.filters["gpu_hours"] = costs.gpu_hours
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(style=style, script=script, **context)
