"""Systems on the same clips: which clips, who is first, and what is beyond chance."""

from __future__ import annotations

import numpy as np
import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.pairs import ids_sha256
from audioldm_bench.evaluation.ranking import compare
from audioldm_bench.metrics.bootstrap import halves, interval
from audioldm_bench.metrics.frechet import frechet_from_features
from audioldm_bench.store import Part, build_store

IDS = [f"clip{i:02d}" for i in range(40)]
METRICS = {"fd": "tagger", "is": "tagger", "kl": "tagger", "fad": "tagger"}
METRICS |= {"is_splits": 2, "is_seed": 2020, "also": []}
METRICS |= {"bootstrap": {"replicates": 60, "level": 0.95}}
FD, KL = "fd_tagger", "kl_softmax_tagger"
REAL = dict(zip(IDS, np.random.default_rng(0).standard_normal((40, 9)), strict=True))


def system(folder, rows, rejected=None):
    """A feature file: embeddings (5) and logits (4) of each clip."""
    ids = list(rows)
    table = {i: np.asarray(row, np.float32) for i, row in rows.items()}

    def part(some):
        kept = [i for i in some if i not in (rejected or {})]
        arrays = {"embedding": np.stack([table[i][:5] for i in kept])}
        arrays["logits"] = np.stack([table[i][5:] for i in kept])
        return Part(kept, arrays, rejected or {})

    path = folder / "tagger.h5"
    build_store(path, ids, part, state=folder / "state", fingerprint="x", attrs={"backbone": "t"})
    return {"tagger": path}


def noisy(amount, seed=1, ids=IDS):
    noise = np.random.default_rng(seed).standard_normal((len(IDS), 9))
    return {i: REAL[i] + amount * noise[IDS.index(i)] for i in ids}


def embeddings(rows, ids=IDS):
    return np.stack([np.asarray(rows[i], np.float32)[:5] for i in ids]).astype(float)


@pytest.fixture
def make(tmp_path):
    count = iter(range(100))
    return lambda rows, **more: system(tmp_path / f"s{next(count)}", rows, **more)


@pytest.fixture
def real(make):
    return make(REAL)


def run(systems, real, **more):
    return compare(systems, real, **({"metrics_config": METRICS, "seed": 3} | more))


def test_the_best_is_first_and_others_are_behind_it(make, real):
    systems = {"b": make(noisy(1.5)), "a": make(noisy(0.2)), "c": make(noisy(0.6))}
    found = run(systems, real)
    assert {name: own["rank"] for name, own in found["systems"].items()} == {"a": 1, "c": 2, "b": 3}
    assert found["systems"]["a"]["behind"] == {} and found["rank_by"] == FD
    gap = found["systems"]["b"]["behind"][FD]
    first, last = (
        frechet_from_features(embeddings(noisy(x)), embeddings(REAL)) for x in (0.2, 1.5)
    )
    assert gap["difference"] == pytest.approx(last - first, rel=1e-6)
    assert gap["beyond_chance"] is True and 0 < gap["low"] < gap["difference"] < gap["high"]
    assert list(found["systems"]["b"]["behind"]) == list(found["names"].values())
    assert (found["n"], found["clip_list_sha256"]) == (40, ids_sha256(IDS))


def test_intervals_of_differences_are_paired(make, real):
    """By hand: both systems on the same halves. Much of chance is common to them and goes away."""
    one, other = noisy(0.8, seed=1), {i: row + 0.05 for i, row in noisy(0.8, seed=1).items()}
    found = run({"one": make(one), "other": make(other)}, real)
    values = {name: own["values"][FD] for name, own in found["systems"].items()}
    best, behind = sorted(values, key=lambda name: values[name]["value"])
    rows = {"one": one, "other": other}
    apart = []
    for half in halves(IDS, replicates=60, seed=3):
        ids = [IDS[i] for i in half]
        scores = {
            name: frechet_from_features(embeddings(rows[name], ids), embeddings(REAL, ids))
            for name in rows
        }
        apart.append(scores[behind] - scores[best])
    gap = found["systems"][behind]["behind"][FD]
    expected = interval(gap["difference"], np.array(apart), 0.95)
    assert (gap["low"], gap["high"]) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    width = values[best]["high"] - values[best]["low"]
    assert gap["high"] - gap["low"] < width / 3


def test_chance_alone_is_not_taken_for_a_difference(make, real):
    found = run({"one": make(noisy(0.8, seed=1)), "other": make(noisy(0.8, seed=2))}, real)
    (behind,) = (own["behind"] for own in found["systems"].values() if own["behind"])
    assert behind[FD]["low"] < 0 < behind[FD]["high"] and behind[FD]["beyond_chance"] is False


def test_all_are_scored_on_the_clips_that_all_have(make, real):
    short = make(noisy(0.2, ids=IDS[5:]), rejected={IDS[7]: "empty"})
    more = make(REAL | noisy(0.9) | {"elsewhere": REAL[IDS[0]]})
    found = run({"short": short, "more": more}, real)
    common = [i for i in IDS[5:] if i != IDS[7]]
    assert (found["n"], found["clip_list_sha256"]) == (34, ids_sha256(common))
    assert {own["n"] for own in found["systems"].values()} == {34}
    fd = frechet_from_features(embeddings(noisy(0.9), common), embeddings(REAL, common))
    assert found["systems"]["more"]["values"][FD]["value"] == pytest.approx(fd, rel=1e-6)
    assert found["left_out"]["short"]["missing_generated"] == IDS[:5]
    assert found["left_out"]["short"]["rejected_generated"] == {IDS[7]: "empty"}
    assert found["left_out"]["more"]["missing_reference"] == ["elsewhere"]
    assert [found["left_out"][name]["not_in_all"] for name in ("short", "more")] == [0, 6]


def test_bounds_have_no_rank_and_take_no_clips_away(make, real):
    floor = make({i: REAL[j] for i, j in zip(IDS[:20], IDS[20:], strict=True)})
    systems = {"floor": floor, "a": make(noisy(0.5)), "b": make(noisy(2.0))}
    found = run(systems, real, bounds=["floor"])
    assert found["n"] == 40 and found["systems"]["floor"]["n"] == 20
    assert found["systems"]["floor"]["rank"] is None and found["systems"]["floor"]["behind"] == {}
    assert found["systems"]["a"]["rank"] == 1 and found["systems"]["b"]["rank"] == 2
    assert (
        run({k: v for k, v in systems.items() if k != "floor"}, real)["systems"]["b"]
        == (found["systems"]["b"])
    )
    tiny = make({IDS[0]: REAL[IDS[0]], IDS[1]: REAL[IDS[1]], "x": REAL[IDS[2]]})
    with pytest.raises(UserError, match="'floor' holds 1 of the 39 common clips"):
        run({"a": make(noisy(0.5, ids=IDS[1:])), "floor": tiny}, real, bounds=["floor"])


def test_ranks_by_another_metric_and_by_no_unknown_one(make, real):
    systems = {"near": make(noisy(0.2)), "far": make(noisy(2.0))}
    by_is = run(systems, real, rank_by="is_tagger")
    values = {name: own["values"]["is_tagger"]["value"] for name, own in by_is["systems"].items()}
    first = max(values, key=values.get)
    assert by_is["systems"][first]["rank"] == 1, "higher is better"
    some = run(systems, real, names=[KL])
    assert some["rank_by"] == KL and some["names"] == {KL: KL}
    assert list(some["systems"]["near"]["values"]) == [KL]
    with pytest.raises(UserError, match="'kad_tagger' is not computed; rank by one of fd_tagger"):
        run(systems, real, rank_by="kad_tagger")


def test_captions_are_those_of_the_clips(make, real, tmp_path):
    """CLAP score on the tagger's embeddings: the system that says its captions is first."""
    rows = {i: row[:5] for i, row in noisy(0.0).items()}
    text = tmp_path / "text.h5"
    build_store(
        text,
        IDS[::-1],
        lambda some: Part(some, {"embedding": np.stack([rows[i] for i in some])}),
        state=tmp_path / "text",
        fingerprint="x",
    )
    shuffled = {i: REAL[j] for i, j in zip(IDS, [*IDS[1:], IDS[0]], strict=True)}
    systems = {"real": make(REAL), "shuffled": make(shuffled)}
    found = run(systems, real, text=text, names=["clap_score_tagger"])["systems"]
    assert found["real"]["values"]["clap_score_tagger"]["value"] == pytest.approx(1.0)
    assert (
        found["real"]["rank"] == 1 and found["shuffled"]["behind"]["clap_score_tagger"]["high"] < 0
    )


def test_no_clip_in_common_is_said_with_sizes(make, real):
    systems = {"one": make(noisy(0.1, ids=IDS[:20])), "other": make(noisy(0.1, ids=IDS[20:]))}
    with pytest.raises(UserError, match=r"0 clip\(s\) in all systems \(one 20, other 20\)"):
        run(systems, real)
    with pytest.raises(UserError, match="no systems"):
        run({}, real)


def test_few_clips_give_no_interval_and_no_verdict(make, real):
    few = IDS[:6]
    found = run({"a": make(noisy(0.1, ids=few)), "b": make(noisy(1.0, ids=few))}, real)
    gap = found["systems"]["b"]["behind"][FD]
    assert gap["difference"] > 0 and gap["low"] is gap["high"] is gap["beyond_chance"] is None
