"""The report's parts: findings, choice of sounds, pictures, charts, costs."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.values import metric_names
from audioldm_bench.labels import RUNS
from audioldm_bench.paper import BACKBONES, TABLE1, TABLE2
from audioldm_bench.report import appendix, costs, curves, pictures, results, sounds
from audioldm_bench.report.findings import findings

MEL = {"n_fft": 1024, "hop_length": 160, "n_mels": 64, "f_min": 0, "f_max": 8000}
RATE = 16000


def rows_of_the_paper():
    one = [
        {"dataset": d, "test_condition": c}
        | {k: str(v) for k, v in row.items()}
        | {f"paper_{k}": str(v) for k, v in row.items()}
        for (d, c), row in TABLE1.items()
    ]
    two = [
        {"dataset": d, "pretrained": "yes" if i == "pretrained" else "no", "train_condition": c}
        | {k: str(v) for k, v in row.items()}
        | {f"paper_{k}": str(v) for k, v in row.items()}
        for (d, i, c), row in TABLE2.items()
    ]
    return one, two


# -------------------------------------------------------------------------------- results
def test_findings_count_the_papers_statements():
    """Counted by hand in Tables I and II of the paper."""
    found = findings(*rows_of_the_paper())
    assert [(f["won"], f["of"]) for f in found] == [(15, 24), (19, 24), (12, 16)]
    assert [(f["paper_won"], f["paper_of"]) for f in found] == [(15, 24), (19, 24), (12, 16)]


def test_findings_leave_out_what_has_no_pair():
    one, two = rows_of_the_paper()
    assert findings(one[:1], [row for row in two if row["pretrained"] == "yes"]) == [
        {
            "title": "Training with text beats training with audio",
            "pairs": 3,
            **{"won": 10, "of": 12, "paper_won": 10, "paper_of": 12},
        }
    ]


def test_floor_and_ceiling_are_in_no_finding():
    one, two = rows_of_the_paper()
    best = (
        dict.fromkeys(("fd", "kl", "fad"), "0.0")
        | {"is": "99.0"}
        | dict.fromkeys(("paper_fd", "paper_is", "paper_kl", "paper_fad"), "")
    )
    for kind in ("floor", "ceiling"):
        one += [{"dataset": d, "test_condition": kind, "kind": kind} | best for d, _ in TABLE1]
        lead = {"pretrained": "", "train_condition": kind, "kind": kind}
        two += [{"dataset": d} | lead | best for d, *_ in TABLE2]
    assert findings(one, two) == findings(*rows_of_the_paper())


@pytest.mark.parametrize(
    ("metric", "ours", "verdict", "difference"),
    [
        ("fd", "60.0", "better", "−0.63"),
        ("fd", "61.0", "worse", "+0.37"),
        ("is", "6.0", "better", "+0.45"),
        ("is", "5.0", "worse", "−0.55"),
        ("kl", "3.012", "same", "±0.00"),
    ],
)
def test_differences_are_coloured_by_meaning(metric, ours, verdict, difference):
    row = {metric: ours, f"paper_{metric}": str(TABLE1["esc50", "text"][metric])}
    cell = results._value_cell(metric, row)
    assert (cell["verdict"], cell["difference"]) == (verdict, difference)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [("59.0", "60.6", "better"), ("59.0", "60.63", "same"), ("59.0", "", "better")],
)
def test_a_difference_within_the_interval_is_neither(low, high, verdict):
    row = {"fd": "60.0", "paper_fd": "60.63", "fd_low": low, "fd_high": high}
    cell = results._value_cell("fd", row)
    assert (cell["verdict"], cell["difference"]) == (verdict, "−0.63")


def test_of_two_choices_the_first_stands_for_the_run():
    row = {"dataset": "esc50", "pretrained": "yes", "train_condition": "text", "kind": "system"}
    rows = [
        row | {"selected_on": "evaluation", "selected_by": "fd", "train_steps": "40"},
        row | {"selected_on": "validation", "selected_by": "validation_loss", "train_steps": "80"},
        row | {"selected_on": "", "selected_by": "", "train_steps": "", "kind": "floor"},
    ]
    assert results.first_choice(rows) == [rows[0], rows[2]]
    assert [results.system_of(one) for one in rows] == [
        "pretrained-text-0000040",
        "pretrained-text-0000080",
        "floor",
    ]
    titles = [results._title(one, several=True) for one in rows]
    assert titles[1] == "ESC50, pre-trained, text, 80\u00a0steps, chosen on validation"
    assert titles[2] == "ESC50, floor"
    one, other = results.how_chosen(rows)
    assert "by FD on the evaluation set" in one and "lowest denoising loss" in other
    assert sounds.shown_systems("esc50", rows)[3:] == ["pretrained-text-0000040"]


def test_foreign_backbones_are_named():
    own = {"fd_name": "fd_panns_cnn14_16k", "is_name": "", "kl_name": "kl_tagger", "fad_name": ""}
    assert results.foreign_backbones([own]) == ["kl_tagger"]
    papers = metric_names(BACKBONES)
    assert results.foreign_backbones([{f"{m}_name": name for m, name in papers.items()}]) == []


# --------------------------------------------------------------------------------- sounds
def test_shown_systems_are_the_best_of_table2():
    rows = [
        {"dataset": "esc50", "pretrained": p, "train_condition": c, "train_steps": s}
        for p, c, s in [("yes", "audio", "40"), ("no", "text", "240000")]
    ]
    assert sounds.shown_systems("esc50", rows) == [
        "real",
        "baseline-text",
        "baseline-audio",
        "scratch-text-0240000",
        "pretrained-audio-0000040",
    ]
    floor = {"dataset": "esc50", "pretrained": "", "train_condition": "text", "kind": "floor"}
    assert sounds.shown_systems("esc50", [*rows, floor], ["mine"])[3:] == [
        "scratch-text-0240000",
        "pretrained-audio-0000040",
        "mine",
    ]
    assert sounds.shown_systems("audioset", rows)[3:] == []


def test_clips_that_all_have_and_new_prompts_first(tmp_path):
    for system, names in {"real": "abcdef", "baseline-text": "abcdeg"}.items():
        (tmp_path / system).mkdir()
        for name in names:
            (tmp_path / system / f"{name}.wav").touch()
    folders = [tmp_path / "real", tmp_path / "baseline-text"]
    prompts = {"a": "dog", "b": "dog", "c": "dog", "d": "dog", "e": "rain"}
    chosen = sounds.choose_clips(folders, prompts, 2)
    assert {prompts[clip] for clip in chosen} == {"dog", "rain"}
    assert sorted(sounds.choose_clips(folders, prompts, 9)) == list("abcde")
    assert sounds.choose_clips([], prompts, 9) == []


def test_sound_survives_its_packing():
    import soundfile

    time = np.arange(RATE) / RATE
    samples = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    uri = sounds.encode(samples, RATE)
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    assert rate == RATE and abs(len(heard) - RATE) < 0.1 * RATE
    spectrum = np.abs(np.fft.rfft(heard[:RATE] * np.hanning(RATE)))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    assert len(uri) < 12_000, "about 5 kB a second"


def test_an_unreadable_clip_is_named(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(UserError, match=r"a\.wav: unreadable"):
        sounds.sound_rows([("esc50", "real", tmp_path)], [], per_dataset=1, mel=MEL)


# ------------------------------------------------------------------------------- pictures
def test_the_picture_is_the_studys_log_mel():
    """A tone lies in the mel band of its frequency, and in the picture low is at the bottom."""
    import librosa.filters
    from PIL import Image

    time = np.arange(RATE) / RATE
    samples = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
    bands = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=64, fmin=0, fmax=8000)
    band = int(bands[:, 64].argmax())  # bin 64 is 1000 Hz
    assert set(pictures.log_mel(samples, RATE, MEL).argmax(axis=1)) == {band}
    uri = pictures.mel_picture(samples, RATE, MEL)
    picture = np.array(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))
    assert picture.shape[0] == 64 and picture.shape[1] <= pictures.PICTURE_FRAMES
    assert set(picture.argmax(axis=0)) == {63 - band}


def test_a_clip_shorter_than_a_window_has_a_picture():
    assert pictures.mel_picture(np.ones(10, np.float32), RATE, MEL).startswith("data:image/png")


def test_inline_svg_keeps_to_itself(tmp_path):
    path = tmp_path / "a.svg"
    path.write_text(
        '<?xml version="1.0"?><svg width="1pt" viewBox="0 0 9 9"><metadata>x</metadata>'
        '<defs><path id="m1" style="stroke: #000000"/></defs><g clip-path="url(#m1)">'
        '<use xlink:href="#m1" style="fill: #0072b2"/></g></svg>'
    )
    text = pictures.inline_svg(path, "f1", 'A "title"')
    assert text == (
        '<svg class="figure" viewBox="0 0 9 9" role="img" aria-label="A &quot;title&quot;">'
        '<defs><path id="f1-m1" style="stroke: currentColor"/></defs><g clip-path="url(#f1-m1)">'
        '<use href="#f1-m1" style="fill: var(--c-0072b2, #0072b2)"/></g></svg>'
    )
    path.write_text("not a picture")
    with pytest.raises(UserError, match=r"a\.svg: not an SVG"):
        pictures.inline_svg(path, "f1", "")


# --------------------------------------------------------------------------------- charts
def test_thin_keeps_the_mean():
    points = [(float(i), float(i % 7)) for i in range(1000)]
    few = curves.thin(points, 100)
    assert len(few) == 100 and few[0] == (4.5, np.mean([i % 7 for i in range(10)]))
    assert curves.thin(points[:5], 100) == points[:5]


@pytest.mark.parametrize(
    ("low", "high", "inside", "expected"),
    [
        (0.13, 0.98, False, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (0, 39999, True, [0, 10000, 20000, 30000]),
        (0, 40000, True, [0, 10000, 20000, 30000, 40000]),
        (2.0, 2.0, False, [2.0, 2.5, 3.0, 3.5, 4.0]),
    ],
)
def test_ticks_are_round(low, high, inside, expected):
    assert curves.ticks(low, high, inside) == pytest.approx(expected)


def test_segments_of_a_run_are_one_curve(tmp_path):
    paths = []
    for name, steps in {"a": range(0, 10), "b": range(10, 20)}.items():
        path = tmp_path / f"{name}.csv"
        path.write_text("step,loss\n" + "".join(f"{s},{1 / (s + 1)}\n" for s in steps))
        paths.append(("esc50", "scratch", "text", path))
    empty = tmp_path / "empty.csv"
    empty.write_text("step,loss\n")
    (chart,) = curves.training_charts([*paths, ("esc50", "pretrained", "text", empty)])
    assert chart["name"] == "ESC50"
    first = chart["svg"].split('cond-text" points="')[1].split('"')[0].split()
    assert len(first) == 20


def test_the_legend_has_each_lines_own_style():
    lines = curves.legend(validated=False)
    assert [line["label"] for line in lines] == [run.label for run in RUNS.values()]
    assert not any("dot" in line["svg"] for line in lines)
    marks = [line["svg"].split("<")[3].split()[0] for line in curves.legend(validated=True)]
    assert marks == ["circle", "rect", "circle", "rect"], "as in Figure 2"


def test_nothing_to_draw():
    assert curves.line_chart([], "") == "" and curves.sparkline([[0, 1.0]], "") == ""


# ------------------------------------------------------------------------------- appendix
def test_rule_costs_sum_over_jobs(study):
    found = {cost["rule"]: cost for cost in costs.rule_costs(study["benchmarks"])}
    assert list(found) == ["train", "sample", "table1"], "dearest first"
    train = found["train"]
    assert train["jobs"] == 2 and train["seconds"] == pytest.approx(186.2)
    assert (train["longest"], train["memory"]) == (95.2, 1250.0)
    assert found["table1"]["memory"] == 0.0, "NA of a job too short to be watched"
    assert {cost["gpu_seconds"] for cost in found.values()} == {0.0}, "without a GPU"


def test_only_benchmark_files_that_are_named_count(tmp_path):
    runs, table = tmp_path / "benchmarks/train", tmp_path / "benchmarks/tables.tsv"
    runs.mkdir(parents=True)
    for path in (runs / "mine-1.tsv", runs / "mine-2.tsv", runs / "mine-10.tsv", table):
        path.write_text("s\tmax_rss\tcpu_time\n10.0\t1\t1\n")
    named = [tmp_path / f"benchmarks/{name}.tsv" for name in ("*", "*/mine-1", "sample/gone")]
    found = {cost["rule"]: cost["jobs"] for cost in costs.rule_costs([*named, named[1]])}
    assert found == {"train": 1, "tables": 1}


def test_gpu_time_is_that_of_the_jobs_that_ask_for_gpus(study):
    asks = {"*.tsv": "a", "train/*.tsv": "a", "train/esc50-*-text.tsv": "b"}
    asks |= {"train/esc50-scratch-text.tsv": None, "table1.tsv": None}
    found = costs.rule_costs(study["benchmarks"], asks, gpus={"a": 1, "b": 4})
    gpu = {cost["rule"]: cost["gpu_seconds"] for cost in found}
    assert gpu == {"train": pytest.approx(4 * 91.0), "sample": 41.7, "table1": 0.0}


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0"), (5, "< 0.01"), (5400, "1.50"), (3.6e6, "1000")]
)
def test_gpu_hours(seconds, words):
    assert costs.gpu_hours(seconds) == words


def test_absent_clips_in_the_papers_order(study):
    esc50, audioset = appendix.absent_clips(study["missing"], study["audio"])
    assert (esc50["name"], esc50["used"], esc50["aside"]) == ("ESC50", 1, [("b", "empty")])
    assert audioset["missing"] == [("Yabc", "no longer on YouTube")]


@pytest.mark.parametrize(
    ("value", "chance", "better", "verdict"),
    [(0.8, 0.1, "higher", "better"), (0.8, 0.9, "lower", "better"), (0.1, 0.2, "higher", "worse")],
)
def test_components_against_chance(value, chance, better, verdict):
    figure = {"name": "x", "value": value, "chance": chance, "unit": "", "n": 3, "better": better}
    assert appendix._figure(figure)["verdict"] == verdict


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.21, "4.2 s"), (59.97, "1 min 00 s"), (75, "1 min 15 s"), (3725, "1 h 02 min")],
)
def test_duration(seconds, words):
    assert costs.duration(seconds) == words
