"""Floor and ceilings: which clip sounds under which name, and what is written."""

import numpy as np
import pytest

from audioldm_bench import audio
from audioldm_bench.datasets.manifest import Clip, write_manifest
from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json, write_json
from audioldm_bench.store import Part, build_store
from audioldm_bench.systems.bounds import BOUNDS, make_bounds
from audioldm_bench.systems.ceiling import noise_like, shuffled_sources
from audioldm_bench.systems.floor import floor_sources
from audioldm_bench.systems.matching import Descriptions, same_description

LABELS = ("dog", "rain", "siren")


def clip(name, label="", group="", split="evaluation", caption=None):
    words = label if caption is None else caption
    return Clip(clip_id=name, file=f"{name}.wav", caption=words, label=label, group=group)


def labelled(prefix, number, label):
    return [clip(f"{prefix}-{label}-{i:02d}", label, f"{prefix}{label}{i}") for i in range(number)]


@pytest.fixture
def evaluated():
    return [c for label in LABELS for c in labelled("e", 4, label)]


@pytest.fixture
def others():
    return [c for label in LABELS for c in labelled("t", 9, label)]


def by_id(*clips):
    return {c.clip_id: c for group in clips for c in group}


# ------------------------------------------------------------------ floor


def test_every_name_gets_another_clip_of_its_class(evaluated, others):
    sources, about = floor_sources(evaluated, others, seed=3)
    known = by_id(evaluated, others)
    assert list(sources) == sorted(c.clip_id for c in evaluated)
    assert len(set(sources.values())) == len(evaluated)
    assert not set(sources.values()) & {c.clip_id for c in evaluated}
    assert all(known[name].label == known[its].label for name, its in sources.items())
    assert about == {
        "mode": "others",
        "same_description": 12,
        "same_recording": 0,
        "recording_is_evaluated": 0,
    }


def test_the_draw_is_the_seeds_and_not_the_orders(evaluated, others):
    sources = floor_sources(evaluated, others, seed=3)
    assert sources == floor_sources(evaluated[::-1], others[::-1], seed=3)
    assert sources[0] != floor_sources(evaluated, others, seed=4)[0]


def test_a_recording_that_is_evaluated_is_the_last_choice_of_a_class(evaluated):
    """Of each class five recordings are evaluated nowhere, and three are."""
    shared = [clip(f"t-s-{c.clip_id}", c.label, c.group) for c in evaluated if c.clip_id[-1] < "3"]
    apart = [c for label in LABELS for c in labelled("a", 5, label)]
    sources, about = floor_sources(evaluated, shared + apart, seed=0)
    assert set(sources.values()) <= {c.clip_id for c in apart}
    assert about["recording_is_evaluated"] == 0
    # two apart: the other two names of a class take what is left, but not of their own recording
    sources, about = floor_sources(evaluated, shared + apart[:2] + apart[5:7] + apart[10:12], 0)
    known = by_id(evaluated, shared, apart)
    assert about["recording_is_evaluated"] == 6 and about["same_recording"] == 0
    assert all(known[name].group != known[its].group for name, its in sources.items())


def test_the_own_recording_is_taken_where_there_is_nothing_else():
    field = [clip(f"e{i}", "wind", "one tape") for i in range(3)]
    rest = [clip(f"t{i}", "wind", "one tape") for i in range(5)]
    sources, about = floor_sources(field, rest, seed=0)
    assert len(sources) == 3 and about["same_recording"] == 3


def test_fewer_others_than_names_give_a_smaller_floor(evaluated, others):
    sources, about = floor_sources(evaluated, others[:7], seed=0)
    assert len(sources) == 7 and about["mode"] == "others"
    assert set(sources.values()) == {c.clip_id for c in others[:7]}


def test_without_others_one_half_sounds_under_the_names_of_the_other(evaluated):
    sources, about = floor_sources(evaluated, [], seed=0)
    known = by_id(evaluated)
    assert about["mode"] == "halves" and len(sources) == 6
    assert not set(sources) & set(sources.values())
    assert all(known[name].label == known[its].label for name, its in sources.items())


def test_halves_keep_recordings_together():
    clips = [clip(f"{group}{i}", "dog", group) for group in "abcd" for i in range(3)]
    sources, about = floor_sources(clips, [], seed=1)
    names, sounds = ({name[0] for name in side} for side in (sources, sources.values()))
    assert len(names) == len(sounds) == 2 and not names & sounds
    assert about["recording_is_evaluated"] == about["same_recording"] == 0


def test_too_few_clips_have_no_floor():
    with pytest.raises(UserError, match="3 evaluation clips and 0 others are too few"):
        floor_sources(labelled("e", 3, "dog"), [], seed=0)


def test_the_most_alike_caption_is_chosen_where_no_label_is_shared():
    evaluation = [clip("e1", caption="A dog barks"), clip("e2", caption="Rain falls on a roof")]
    texts = ["A man speaks", "A dog barks", "Rain falls on a tin roof", "A bird sings"]
    sources, about = floor_sources(
        evaluation, [clip(f"t{i}", caption=text) for i, text in enumerate(texts)], seed=0
    )
    assert sources == {"e1": "t1", "e2": "t2"} and about["same_description"] == 1


def test_labels_weigh_more_than_captions_and_rare_words_more_than_frequent_ones():
    descriptions = Descriptions(
        [
            clip("a", "dog;wind", caption="wind"),
            clip("b", "dog", caption="nothing of the kind"),
            clip("c", "cat", caption="a dog barks"),
            clip("d", "cat", caption="a cat"),
            clip("e", "cat", caption="a dog"),
        ]
    )
    partly, same, words, article, two = descriptions.closeness(clip("x", "dog", caption="a dog"))
    assert same == 2 and partly == 1 and two == 1  # 2 x Jaccard, or the cosine of equal words
    assert 0 < article < words < 1
    assert same_description(clip("x", "a;b"), clip("y", "b;a", caption="else"))
    assert same_description(clip("x", "a", caption="One dog"), clip("y", caption="dog, one!"))
    assert not same_description(clip("x", "a", caption="c"), clip("y", "b", caption="c"))


# --------------------------------------------------------------- ceilings


def test_noise_has_the_length_and_power_of_the_clip_and_nothing_else():
    time = np.arange(16000) / 16000
    sound = (0.1 * np.sin(2 * np.pi * 440 * time) + 0.2).astype(np.float32)
    noise = noise_like(sound, "a", seed=0)
    assert noise.shape == sound.shape and noise.dtype == np.float32
    assert noise.std() == pytest.approx(0.1 / np.sqrt(2), rel=0.03)
    spectrum = np.abs(np.fft.rfft(noise)) ** 2
    low, high = spectrum[1:4000].mean(), spectrum[4000:].mean()
    assert low == pytest.approx(high, rel=0.1)  # white
    np.testing.assert_array_equal(noise, noise_like(sound, "a", seed=0))
    assert abs(np.corrcoef(noise, noise_like(sound, "b", seed=0))[0, 1]) < 0.05
    assert abs(np.corrcoef(noise, noise_like(sound, "a", seed=1))[0, 1]) < 0.05


def test_shuffled_clips_are_all_used_and_all_of_another_class(evaluated):
    sources, about = shuffled_sources(evaluated, seed=0)
    known = by_id(evaluated)
    assert sorted(sources) == sorted(sources.values()) == sorted(known)
    assert all(known[name].label != known[its].label for name, its in sources.items())
    assert about == {"same_class": 0, "same_recording": 0}
    assert sources == shuffled_sources(evaluated[::-1], seed=0)[0]
    assert sources != shuffled_sources(evaluated, seed=1)[0]


@pytest.mark.parametrize("seed", range(5))
def test_a_class_of_more_than_half_is_shuffled_as_far_as_it_goes(seed):
    clips = labelled("e", 7, "dog") + labelled("e", 3, "cat")
    sources, about = shuffled_sources(clips, seed)
    assert all(name != its for name, its in sources.items())
    assert about["same_class"] == 4  # three dogs go to the cats, three cats to the dogs
    with pytest.raises(UserError, match="cannot be shuffled"):
        shuffled_sources(clips[:1], seed)


def test_pieces_of_one_recording_are_shuffled_apart():
    clips = [clip(f"{group}{i}", group, group) for group in "abc" for i in range(2)]
    clips += [clip(f"z{group}", "z", group) for group in "abc"]
    sources, about = shuffled_sources(clips, seed=0)
    assert about == {"same_class": 0, "same_recording": 0}


# ------------------------------------------------------------- the folders


@pytest.fixture
def world(tmp_path):
    """Six evaluation clips, of which one was set aside, and eight of training, of two labels."""
    clips = [clip(f"e{i}", LABELS[i % 2], f"r{i}") for i in range(6)]
    rest = [clip(f"t{i}", LABELS[i % 2], f"s{i}") for i in range(8)]
    splits = dict.fromkeys([c.clip_id for c in clips], "evaluation")
    every = [Clip(**{**vars(c), "split": splits.get(c.clip_id, "train")}) for c in clips + rest]
    write_manifest(tmp_path / "manifest.csv", every)
    rng = np.random.default_rng(0)
    kept = [c.clip_id for c in every if c.clip_id not in ("e5", "t0")]
    waveforms = [0.1 * rng.standard_normal(300 + 10 * i).astype("f4") for i in range(len(kept))]
    build_store(
        tmp_path / "audio.h5",
        [c.clip_id for c in every],
        lambda ids: Part(kept, {"waveform": waveforms}, dict.fromkeys(("e5", "t0"), "silent")),
        state=tmp_path / "state",
        fingerprint="a",
        attrs={"sample_rate": 16000},
    )
    write_json(tmp_path / "real.json", {"clips": kept[:5]})
    return tmp_path, dict(zip(kept, waveforms, strict=True))


def bounds(folder, out="systems", **changes):
    inputs = [folder / "manifest.csv", [folder / "audio.h5"], folder / "real.json"]
    folders = {name: folder / out / name for name in BOUNDS}
    arguments = {"dataset": "pets", "seed": 0, "state": folder / "s", "progress_every": 1e9}
    make_bounds(*inputs, folders, **(arguments | changes))
    return folders


def test_three_folders_are_written_with_what_made_them(world):
    folder, waveforms = world
    for name, place in bounds(folder).items():
        about = read_json(place / "clips.json")
        assert about["system"] == name and about["seed"] == 0 and about["n"] == 5
        files = sorted(path.name for path in (place / "clips").iterdir())
        assert files == [f"{clip_id}.wav" for clip_id in about["clips"]]
        assert about["clips"] == [f"e{i}" for i in range(5)]
        for clip_id in about["clips"]:
            samples, rate = audio.read(place / "clips" / f"{clip_id}.wav")
            assert rate == 16000
            if "sources" in about:
                wanted = waveforms[about["sources"][clip_id]]
                np.testing.assert_allclose(samples, wanted, atol=1e-4)
            else:
                assert len(samples) == len(waveforms[clip_id])
                assert samples.std() == pytest.approx(waveforms[clip_id].std(), rel=0.2)
    floor = read_json(folder / "systems/floor/clips.json")
    assert {source[0] for source in floor["sources"].values()} == {"t"}


def test_same_seed_same_bytes_and_no_state_is_left(world):
    folder, _ = world
    first, second = bounds(folder), bounds(folder, out="again")
    for name in BOUNDS:
        for path in (first[name] / "clips").iterdir():
            assert path.read_bytes() == (second[name] / "clips" / path.name).read_bytes()
    assert not [p for p in (folder / "s").rglob("*") if not p.name.startswith(".")]


def test_a_killed_run_is_made_anew(world, monkeypatch):
    folder, _ = world
    whole = bounds(folder)
    written = []
    write = audio.write

    def stopping(path, *more):
        if len(written) == 7:
            raise KeyboardInterrupt
        written.append(path)
        write(path, *more)

    monkeypatch.setattr(audio, "write", stopping)
    with pytest.raises(KeyboardInterrupt):
        bounds(folder, out="again")
    assert (folder / "s" / "ceiling-noise").is_dir()
    monkeypatch.setattr(audio, "write", write)
    for name, place in bounds(folder, out="again").items():
        assert read_json(place / "clips.json") == read_json(whole[name] / "clips.json")
        for path in (whole[name] / "clips").iterdir():
            assert path.read_bytes() == (place / "clips" / path.name).read_bytes()
