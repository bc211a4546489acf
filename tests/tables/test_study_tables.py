"""The paper's numbers, and Tables I and II: rows, order, choice of step, text."""

from __future__ import annotations

import io
import re

import pytest

from audioldm_bench.datasets.absent import ClipCount
from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json, write_json
from audioldm_bench.labels import METRICS, dataset_label, paper_order, steps_label, system_label
from audioldm_bench.paper import DATASETS, TABLE1, TABLE2
from audioldm_bench.tables import COLUMNS1, COLUMNS2, make_table1, make_table2, print_tables


# ------------------------------------------------------------------------ the paper's own
def test_paper_has_all_rows():
    assert len(TABLE1) == 8 and len(TABLE2) == 12
    assert {d for d, _ in TABLE1} == set(DATASETS)
    assert {d for d, *_ in TABLE2} == set(DATASETS) - {"audioset"}
    assert all(set(METRICS) <= set(row) for row in [*TABLE1.values(), *TABLE2.values()])


@pytest.mark.parametrize(
    ("row", "metric", "value"),
    [
        (TABLE1["esc50", "text"], "fd", 60.63),
        (TABLE1["urbansound8k", "audio"], "fad", 13.74),
        (TABLE1["audiocaps", "text"], "is", 6.68),
        (TABLE1["audioset", "audio"], "kl", 1.63),
        (TABLE2["esc50", "pretrained", "text"], "fd", 22.38),
        (TABLE2["esc50", "pretrained", "text"], "train_steps", 80_000),
        (TABLE2["urbansound8k", "scratch", "text"], "train_steps", 350_000),
        (TABLE2["urbansound8k", "pretrained", "audio"], "fad", 7.39),
        (TABLE2["audiocaps", "pretrained", "text"], "fad", 1.67),
        (TABLE2["audiocaps", "scratch", "audio"], "kl", 2.20),
    ],
)
def test_paper_values(row, metric, value):
    assert row[metric] == value


def test_labels():
    assert dataset_label("urbansound8k") == "US8K" and dataset_label("my birds") == "my birds"
    assert paper_order(["mine", "audioset", "esc50", "mine"]) == ["esc50", "audioset", "mine"]
    assert [steps_label(s) for s in (20, 999, 1000, 2500, 240000)] == [
        "20",
        "999",
        "1 K",
        "2.5 K",
        "240 K",
    ]
    assert system_label("pretrained-text-0000040") == "pre-trained, text, 40\u00a0steps"
    assert system_label("baseline-audio") == "baseline, from audio"
    assert system_label("somebody-else") == "somebody-else"


# -------------------------------------------------------------------------------- Table I
def test_table1_rows_in_the_papers_order(measure, outputs, read):
    given = [(d, c, measure()) for d, c in reversed(TABLE1)]
    make_table1([("mine", "text", measure()), *given], outputs)
    rows = read(outputs["csv"])
    assert [(r["dataset"], r["test_condition"]) for r in rows] == [*TABLE1, ("mine", "text")]
    head = outputs["csv"].read_text().splitlines()[0].split(",")
    assert head == COLUMNS1
    assert ",".join(head[:10]) == (
        "dataset,test_condition,fd,is,kl,fad,paper_fd,paper_is,paper_kl,paper_fad"
    )
    assert head[-1] == "kind" and {r["kind"] for r in rows} == {"system"}


def test_table1_values_and_sources(measure, outputs, read):
    ours = [("esc50", "text", measure(fd=61.63, fad=1 / 3)), ("mine", "audio", measure(kl=None))]
    make_table1(ours, outputs)
    first, mine = read(outputs["csv"])
    assert first["fad"] == repr(1 / 3), "the csv keeps full precision"
    assert first["paper_fd"] == "60.63"
    assert float(first["difference_fd"]) == pytest.approx(1.0)
    assert float(first["difference_fad"]) == pytest.approx(1 / 3 - 5.95)
    assert (first["n"], first["clip_list_sha256"], first["seed"]) == ("400", "ab12", "7")
    assert (first["sampling_steps"], first["fad_name"]) == ("200", "fad_vggish")
    assert first["versions"] == '{"torch": "2.13"}'
    assert (float(first["fd_low"]), float(first["fd_high"])) == (0.9 * 61.63, 1.1 * 61.63)
    assert mine["kl_low"] == mine["kl_high"] == ""
    assert mine["paper_fd"] == mine["difference_fd"] == mine["kl"] == ""


def test_markdown_is_aligned_and_names_the_backbones(measure, outputs):
    make_table1(
        [("esc50", "text", measure(fd=61.634)), ("mine", "audio", measure(kl=None))], outputs
    )
    text = outputs["md"].read_text()
    values, around = (part for part in text.split("Intervals:\n"))
    for part in (values, around):
        lines = [line for line in part.splitlines() if line.startswith("|")]
        assert len(lines) == 4 and len({len(line) for line in lines}) == 1
        assert "FD ↓" in lines[0] and "IS ↑" in lines[0] and "ESC50" in lines[2]
    esc50, mine = (line for line in values.splitlines()[-3:] if line)
    assert "61.63 (60.63)" in esc50 and "(" not in mine and "–" in mine
    assert "55.5 to 67.8" in around and "1.80 to 2.20" in around
    assert "fd_panns_cnn14_16k" in text and "Seed: 7" in text
    assert "Intervals: 95 %, from 200 random halves of the clips." in " ".join(text.split())


def test_without_intervals_there_is_no_second_table(measure, outputs):
    make_table1([("esc50", "text", measure(values={}, interval=None))], outputs)
    assert "ntervals" not in outputs["md"].read_text() + outputs["tex"].read_text()


@pytest.mark.parametrize("size", [1.0, 999.4])
def test_markdown_fits_into_a_terminal(measure, outputs, bounds, size):
    longest = [
        (d, i, c, 480_000, measure(fd=size, is_=10.0 * size**0.1, kl=size / 100, fad=size))
        for d, i, c in TABLE2
    ]
    make_table2(longest, outputs, select_by="fd", bounds=bounds("esc50"))
    assert max(map(len, outputs["md"].read_text().splitlines())) <= 120


def test_latex_stands_by_itself(measure, outputs, read):
    make_table1([("my_own & best", "text", measure()), ("esc50", "text", measure())], outputs)
    text = outputs["tex"].read_text()
    assert "my\\_\\allowbreak own \\& best" in text
    for name in ("table*", "tabular"):
        assert text.count(f"\\begin{{{name}}}") == text.count(f"\\end{{{name}}}") == 1
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 2, 1]
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {6}
    assert len(rows) == 1 + 2 * 2, "values, and intervals below them"
    assert r"\scriptsize [0.90, 1.10]" in text
    assert text.isascii(), "arrows and dashes as commands"


# ------------------------------------------------------------------------------- Table II
def run(measure, steps, dataset="esc50", init="scratch", condition="audio"):
    return [(dataset, init, condition, s, measure(**given)) for s, given in steps.items()]


@pytest.mark.parametrize(("select_by", "best"), [("fd", 40), ("is", 60), ("kl", 20), ("fad", 40)])
def test_best_step_by_each_metric(measure, outputs, select_by, best):
    steps = {
        60: {"fd": 3.0, "is_": 9.0, "kl": 2.0, "fad": 3.0},
        40: {"fd": 1.0, "is_": 5.0, "kl": 3.0, "fad": 1.0},
        20: {"fd": 2.0, "is_": 7.0, "kl": 1.0, "fad": 2.0},
    }
    (row,) = make_table2(run(measure, steps), outputs, select_by=select_by)
    assert row["train_steps"] == best and row["selected_by"] == select_by
    word = "highest IS" if select_by == "is" else f"lowest {select_by.upper()}"
    for kind in ("md", "tex"):
        text = " ".join(outputs[kind].read_text().split())
        assert f"step with the {word} on the evaluation set itself, as in the paper" in text


def losses(tmp_path, runs, values):
    """validation.json of each step of the runs."""
    found = []
    for *key, step, _ in runs:
        path = tmp_path / f"{'-'.join(key)}-{step}.json"
        write_json(path, {"loss": values[step], "clips": 8, "step": step})
        found.append((*key, step, path))
    return found


def test_a_run_is_chosen_on_either_split_and_both_are_shown(measure, outputs, read, tmp_path):
    runs = run(measure, {20: {"fd": 3.0}, 40: {"fd": 1.0}, 60: {"fd": 2.0}})
    given = {"select_by": "fd", "validation": losses(tmp_path, runs, {20: 0.2, 40: 0.3, 60: 0.1})}
    both = make_table2(runs, outputs, select_on=["evaluation", "validation"], **given)
    assert [row["train_steps"] for row in both] == [40, 60]
    assert [row["selected_on"] for row in both] == ["evaluation", "validation"]
    assert [row["selected_by"] for row in read(outputs["csv"])] == ["fd", "validation_loss"]
    text = " ".join(outputs["md"].read_text().split())
    assert "Chosen on" in text and "lowest denoising loss on the validation split" in text
    assert "lowest FD on the evaluation set itself" in text
    (alone,) = make_table2(runs, outputs, select_on=["validation"], **given)
    assert alone == both[1] and "Chosen on" not in outputs["md"].read_text()


def test_a_choice_on_clips_that_there_are_not_is_refused(measure, outputs, tmp_path):
    runs = run(measure, {20: {}})
    none = losses(tmp_path, runs, {20: None})
    with pytest.raises(UserError, match=r"-20\.json: there is no validation loss.*select_on"):
        make_table2(runs, outputs, select_by="fd", select_on=["validation"], validation=none)
    with pytest.raises(UserError, match=r"table2\.select_on is \['test'\]; choose of evaluation"):
        make_table2(runs, outputs, select_by="fd", select_on=["test"])


@pytest.mark.parametrize("select_by", ["fd", "is"])
def test_of_equal_steps_the_earlier(measure, outputs, select_by):
    steps = {60: {}, 20: {"kl": 9.0}, 40: {}}
    (row,) = make_table2(run(measure, steps), outputs, select_by=select_by)
    assert row["train_steps"] == 20


def test_a_step_without_the_metric_is_not_chosen(measure, outputs, read):
    steps = {20: {"fd": None}, 40: {"fd": 5.0}}
    (row,) = make_table2(run(measure, steps), outputs, select_by="fd")
    assert row["train_steps"] == 40


def test_table2_order_and_columns(measure, outputs, read):
    given = [item for key in reversed(TABLE2) for item in run(measure, {1500: {}}, *key)]
    make_table2([*run(measure, {20: {}}, "mine"), *given], outputs, select_by="fd")
    rows = read(outputs["csv"])
    keys = [(r["dataset"], r["pretrained"], r["train_condition"]) for r in rows]
    yes = {"scratch": "no", "pretrained": "yes"}
    assert keys == [*((d, yes[i], c) for d, i, c in TABLE2), ("mine", "no", "audio")]
    head = outputs["csv"].read_text().splitlines()[0].split(",")
    assert head == COLUMNS2
    assert ",".join(head[:9]) == (
        "dataset,pretrained,train_condition,train_steps,fd,is,kl,fad,paper_train_steps"
    )
    assert rows[3]["train_steps"] == "1500" and rows[3]["paper_train_steps"] == "80000"
    assert rows[-1]["paper_train_steps"] == rows[-1]["paper_fd"] == ""
    text = outputs["md"].read_text()
    assert "1.5 K (80 K)" in text
    assert re.search(r"\| mine .* 20 \|", text)


def test_unknown_metric_and_spoilt_file_are_named(measure, outputs, read, tmp_path):
    with pytest.raises(UserError, match=r"table2\.select_by is 'mos'; choose one of fd, is"):
        make_table2(run(measure, {20: {}}), outputs, select_by="mos")
    spoilt = tmp_path / "spoilt.json"
    write_json(spoilt, {"fd": 1.0})
    with pytest.raises(UserError, match=r"spoilt\.json: no is, kl, fad"):
        make_table1([("esc50", "text", spoilt)], outputs)
    with pytest.raises(ValueError, match="'video' is none of"):
        make_table1([("esc50", "video", measure())], outputs)


def test_the_same_input_gives_the_same_bytes(measure, outputs, read):
    given = [item for key in TABLE2 for item in run(measure, {20: {}, 40: {}}, *key)]
    make_table2(given, outputs, select_by="kl")
    first = {kind: path.read_bytes() for kind, path in outputs.items()}
    make_table2(given[::-1], outputs, select_by="kl")
    assert first == {kind: path.read_bytes() for kind, path in outputs.items()}


# -------------------------------------------------------------------------- missing clips
def counted(evaluation: int, usable: int, train: int = 100, trained: int = 100) -> dict:
    return {"train": ClipCount(train, trained), "evaluation": ClipCount(evaluation, usable)}


def test_every_table_says_how_many_clips_are_missing(measure, outputs, read):
    counts = {
        "esc50": counted(400, 400),
        "audiocaps": counted(412, 402, train=900, trained=850),
    }
    first = [("esc50", "text", measure()), ("audiocaps", "text", measure())]
    make_table1(first, outputs, counts)
    assert [r["missing"] for r in read(outputs["csv"])] == ["0", "12"]
    for kind in ("md", "tex"):
        text = " ".join(outputs[kind].read_text().split())
        assert "Missing: AudioCaps 12 of 412 evaluation clips." in text
        assert "400/412" in text and "400/400" not in text
    runs = [item for d in counts for item in run(measure, {20: {}}, d)]
    make_table2(runs, outputs, counts, select_by="fd")
    assert [(r["missing"], r["train_missing"]) for r in read(outputs["csv"])] == [
        ("0", "0"),
        ("12", "50"),
    ]
    note = "Missing: AudioCaps 12 of 412 evaluation clips and 50 of 900 training clips."
    for kind in ("md", "tex"):
        assert note in " ".join(outputs[kind].read_text().split())


def test_a_table_without_missing_clips_says_so(measure, outputs, read):
    make_table1([("esc50", "text", measure())], outputs, {"esc50": counted(400, 400)})
    assert "No clips are missing." in outputs["md"].read_text()
    assert "400/" not in outputs["md"].read_text()
    make_table1([("esc50", "text", measure())], outputs)
    assert "issing" not in outputs["md"].read_text(), "nothing is known of them"
    assert read(outputs["csv"])[0]["missing"] == ""


def test_a_row_may_miss_more_than_another(measure, outputs, read, tmp_path):
    less = tmp_path / "less.json"
    write_json(less, read_json(measure()) | {"n": 398})
    given = [("esc50", "text", measure()), ("esc50", "audio", less)]
    make_table1(given, outputs, {"esc50": counted(401, 400)})
    assert [r["missing"] for r in read(outputs["csv"])] == ["1", "3"]
    assert "Missing: ESC50 1 to 3 of 401 evaluation clips." in outputs["md"].read_text()


def test_print_tables(measure, outputs, read, tmp_path):
    make_table1([("esc50", "text", measure(fd=61.5))], outputs)
    out = io.StringIO()
    print_tables([outputs["md"]], [tmp_path / "report.html"], out)
    assert "61.50 (60.63)" in out.getvalue()
    assert out.getvalue().endswith(f"  {outputs['md']}\n  {tmp_path / 'report.html'}\n")
