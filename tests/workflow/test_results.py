"""What a study leaves: tables, figures, report, and a readable trail."""

import csv
import re

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
    assert [row["test_condition"] for row in first] == ["text", "audio"]
    assert [(row["pretrained"], row["train_condition"]) for row in second] == [
        ("no", "audio"),
        ("no", "text"),
        ("yes", "audio"),
        ("yes", "text"),
    ]
    assert first[0]["paper_fd"] == "60.63" and second[3]["paper_fd"] == "22.38"
    assert {row["n"] for row in first + second} == {"16"}
    assert {row["missing"] for row in first + second} == {"0"}
    assert {row["train_missing"] for row in second} == {"0"}
    assert all(
        "No clips are missing." in (finished / f"{S}/tables/table{n}.{kind}").read_text()
        for n in (1, 2)
        for kind in ("md", "tex")
    )


def test_figures_and_report_are_there(finished):
    for name in ("fig1", "fig2"):
        assert (finished / f"{S}/figures/{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert (finished / f"{S}/figures/{name}.pdf").read_bytes()[:4] == b"%PDF"
    shares = rows(finished / f"{S}/figures/fig1.csv")
    assert len(shares) == 4 * 11
    assert all(float(row["fd"]) < 1e-6 for row in shares if float(row["share"]) == 0)
    page = (finished / f"{S}/report.html").read_text()
    assert "<audio" in page and "<svg" in page and not re.search(r'src="https?:', page)


def test_no_state_and_no_drafts_are_left(finished):
    left = [p for p in (finished / S).rglob("*.part*")]
    left += [p for p in (finished / f"{S}/state").rglob("*") if p.is_file()]
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
