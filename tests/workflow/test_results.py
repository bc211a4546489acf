"""What a study leaves: tables, figures, report, and a readable trail."""

import csv
import re

import pytest
from study import ROOT

S = "results/tiny"


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_tables_have_the_papers_columns_in_their_order(finished):
    first, second = (rows(finished / f"{S}/tables/table{n}.csv") for n in (1, 2))
    assert list(first[0])[:6] == ["dataset", "test_condition", "fd", "is", "kl", "fad"]
    assert list(second[0])[:8] == [
        "dataset",
        "pretrained",
        "train_condition",
        "train_steps",
        "fd",
        "is",
        "kl",
        "fad",
    ]
    assert [row["test_condition"] for row in first] == ["text", "audio", "floor", "ceiling"]
    assert [(row["pretrained"], row["train_condition"]) for row in second] == [
        ("no", "audio"),
        ("no", "text"),
        ("yes", "audio"),
        ("yes", "text"),
        ("", "floor"),
        ("", "ceiling"),
    ]
    assert first[0]["paper_fd"] == "60.63" and second[3]["paper_fd"] == "22.38"
    systems = [row for row in first + second if row["kind"] == "system"]
    assert len(systems) == 6 and {row["n"] for row in systems} == {"16"}
    assert {row["missing"] for row in systems} == {"0"}
    assert {row["train_missing"] for row in second[:4]} == {"0"}
    assert all(
        "No clips are missing." in (finished / f"{S}/tables/table{n}.{kind}").read_text()
        for n in (1, 2)
        for kind in ("md", "tex")
    )


def test_floor_ceiling_and_intervals_are_in_the_tables(finished):
    """Real clips are nearer to real ones than noise is, and each value lies within its interval."""
    for number in (1, 2):
        *systems, floor, ceiling = rows(finished / f"{S}/tables/table{number}.csv")
        assert (floor["kind"], ceiling["kind"]) == ("floor", "ceiling")
        for metric in ("fd", "fad"):  # KL is of a tagger that has learnt next to nothing
            assert float(floor[metric]) < float(ceiling[metric])
        for row in (*systems, floor, ceiling):
            for metric in ("fd", "is", "kl", "fad"):
                low, value, high = (float(row[metric + end]) for end in ("_low", "", "_high"))
                assert low <= value <= high


def test_the_benchmark_ranks_all_systems_on_the_same_clips(finished):
    table = rows(finished / f"{S}/tables/benchmark.csv")
    *systems, floor, ceiling = table
    assert [row["rank"] for row in table] == [*map(str, range(1, 7)), "", ""]
    assert (floor["system"], ceiling["system"]) == ("floor", "ceiling")
    second = rows(finished / f"{S}/tables/table2.csv")[:4]
    chosen = {
        f"{'pretrained' if r['pretrained'] == 'yes' else 'scratch'}-{r['train_condition']}-"
        f"{int(r['train_steps']):07d}": r["fd"]
        for r in second
    }
    found = {row["system"]: row["fd"] for row in systems}
    assert set(found) == {"baseline-text", "baseline-audio", *chosen}
    assert {name: found[name] for name in chosen} == chosen, "the clips of Table II are all there"
    scores = [float(row["fd"]) for row in systems]
    assert scores == sorted(scores) and systems[0]["fd_behind"] == ""
    for row in systems[1:]:
        assert float(row["fd_behind"]) == pytest.approx(float(row["fd"]) - scores[0])
        beyond = not float(row["fd_behind_low"]) <= 0 <= float(row["fd_behind_high"])
        assert row["fd_beyond_chance"] == ("yes" if beyond else "no")
    assert all(row["kad_tagger"] and row["clap_score_clap"] for row in table)
    text = (finished / f"{S}/tables/benchmark.md").read_text()
    assert max(map(len, text.splitlines())) <= 120


def test_figures_and_report_are_there(finished):
    for name in ("fig1", "fig2"):
        assert (finished / f"{S}/figures/{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert (finished / f"{S}/figures/{name}.pdf").read_bytes()[:4] == b"%PDF"
    shares = rows(finished / f"{S}/figures/fig1.csv")
    assert len(shares) == 4 * 11
    assert all(float(row["fd"]) < 1e-6 for row in shares if float(row["share"]) == 0)
    page = (finished / f"{S}/report.html").read_text()
    assert '<section id="benchmark">' in page and "16 claims were found so" in page
    assert "<audio" in page and "<svg" in page and not re.search(r'src="https?:', page)


def test_no_state_and_no_drafts_are_left(finished):
    left = [p for p in (finished / S).rglob("*.part*")]
    left += [p for p in (finished / f"{S}/state").rglob("*") if p.is_file()]
    # features stay, as hard links: a changed folder embeds only what is new (docs/features.md)
    left = [p for p in left if not (p.name == "last.h5" and p.stat().st_nlink > 1)]
    assert [p for p in left if not p.name.startswith((".lock", ".fingerprint", ".finished"))] == []
    assert not list((finished / S).rglob("state-0000040"))  # the optimizer of a finished segment


def test_every_rule_tells_what_it_needs():
    """Log, benchmark, threads, resources and a line of docstring, in every rule that runs a job."""
    found = 0
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        text = path.read_text()
        assert text.startswith("# REQUIRED INPUTS")
        for rule in re.split(r"^rule ", text, flags=re.M)[1:]:
            found += 1
            name = rule.split(":")[0]
            assert re.match(r'\w+:\n    """[^"\n]+', rule), name
            for part in ("log", "benchmark", "threads", "resources", "conda", "script"):
                assert f"\n    {part}:" in rule, (name, part)
            assert "mem_mb=" in rule and "runtime=" in rule, name
    assert found >= 20
