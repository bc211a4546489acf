import numpy as np
import pytest
import torch

from audioldm_bench import audio, corruptions
from audioldm_bench.corruptions import SYSTEMS
from audioldm_bench.corruptions.own_phase import OwnPhase
from audioldm_bench.corruptions.spectral import add_noise, mask_block
from audioldm_bench.datasets.manifest import Clip, write_manifest
from audioldm_bench.errors import UserError
from audioldm_bench.mel import LogMel
from corruption_world import LABELS, MEL, RATE, bytes_of, make_vocoder, make_world, run, sounds


@pytest.fixture
def world(tmp_path):
    return make_world(tmp_path)


@pytest.fixture(scope="module")
def vocoder(tmp_path_factory):
    return make_vocoder(tmp_path_factory.mktemp("vocoder"))


@pytest.mark.parametrize("kind", SYSTEMS)
def test_every_kind_is_whole_seeded_and_the_same_after_a_kill(world, vocoder, kind, monkeypatch):
    record = run(world, kind, vocoder=vocoder)
    made = sounds(world / "out")
    assert record["system"] == SYSTEMS[kind] and record["n"] == 8
    assert list(made) == record["clips"] == [f"clip{i}" for i in range(8)]
    assert all(len(x) == 1.5 * RATE and np.abs(x).max() > 0 for x in made.values())

    corruption, calls = corruptions._corruption, []

    def dies_at_fourth(*args):
        corrupt, notes = corruption(*args)

        def counted(clip_id):
            calls.append(clip_id)
            if len(calls) == 4:
                raise KeyboardInterrupt
            return corrupt(clip_id)

        return counted, notes

    monkeypatch.setattr(corruptions, "_corruption", dies_at_fourth)
    with pytest.raises(KeyboardInterrupt):
        run(world, kind, "again", vocoder=vocoder)
    assert not (world / "again").exists()
    run(world, kind, "again", vocoder=vocoder)
    assert calls == [f"clip{i}" for i in (0, 1, 2, 3, 3, 4, 5, 6, 7)]
    assert bytes_of(world / "again") == bytes_of(world / "out")

    monkeypatch.setattr(corruptions, "_corruption", corruption)
    run(world, kind, "other", seed=1, vocoder=vocoder)
    other = sounds(world / "other")
    changed = any(not np.array_equal(made[i], other[i]) for i in made)
    assert changed == (kind != "vocoded")  # which draws nothing


def test_noise_in_the_log_mel():
    log_mel = np.full((200, 64), -3.0, np.float32)
    noisy = add_noise(log_mel, 0.5, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    assert (noisy - log_mel).std() == pytest.approx(0.5, rel=0.05)
    assert (noisy - log_mel).mean() == pytest.approx(0.0, abs=0.02)


def test_mask_is_one_block_of_all_bands_inside_the_sound():
    log_mel, starts = np.ones((100, 4), np.float32), set()
    for seed in range(60):
        masked = mask_block(log_mel, 10, 40, -11.5, np.random.default_rng(seed))
        frames = np.flatnonzero((masked == -11.5).all(axis=1))
        assert len(frames) == 10 and frames[-1] - frames[0] == 9 and frames[-1] < 40
        assert (masked == 1).all(axis=1).sum() == 90
        starts.add(int(frames[0]))
    assert len(starts) > 15 and min(starts) == 0 and max(starts) == 30
    whole = mask_block(log_mel, 10, 5, -11.5, np.random.default_rng(0))  # sound under one block
    assert (whole[:10] == -11.5).all() and (whole[10:] == 1).all()
    assert (log_mel == 1).all()


def test_spectral_kinds_give_the_vocoder_the_corrupted_spectrogram(world, vocoder, monkeypatch):
    """The vocoder hears clips at its training level, and the clip's own level comes back."""
    import audioldm_bench.vocoder

    heard, vocode = [], audioldm_bench.vocoder.vocode
    monkeypatch.setattr(
        audioldm_bench.vocoder,
        "vocode",
        lambda v, m, n: heard.append(m[0].numpy()) or vocode(v, m, n),
    )
    run(world, "mask", vocoder=vocoder)
    front_end, floor = LogMel(RATE, **MEL), np.float32(np.log(1e-5))
    clean, _ = audio.read(world / "real" / "clip2.wav")
    clean = audio.normalise(clean[: int(1.5 * RATE)])
    expected = front_end(torch.from_numpy(clean)[None])[0].numpy()
    masked = (heard[2] == floor).all(axis=1)
    assert masked.sum() == 0.5 * RATE / 40
    np.testing.assert_allclose(heard[2][~masked], expected[~masked], atol=0.02)
    out = vocode(
        audioldm_bench.vocoder.load_vocoder(vocoder), torch.from_numpy(heard[2])[None], 6000
    )
    ratio = sounds(world / "out")["clip2"].std() / float(out.std())
    assert ratio == pytest.approx(0.2 / 0.5, rel=0.05)  # clip2's peak over the training level


def test_by_its_own_phase_a_clip_needs_no_vocoder(world):
    """Unchanged it is the clip itself; masked it is silent there and nowhere else."""
    for kind in ("vocoded", "mask", "noise"):
        record = run(world, kind, kind, resynthesis="own_phase")
        assert record["vocoder_sha256"] is None and record["figure1"]["resynthesis"] == "own_phase"
    vocoded, masked, noisy = (sounds(world / kind) for kind in ("vocoded", "mask", "noise"))
    for clip_id, unchanged in vocoded.items():
        clean = audio.read(world / "real" / f"{clip_id}.wav")[0][: int(1.5 * RATE)]
        clean = audio.fit(clean - clean.mean(), int(1.5 * RATE))
        np.testing.assert_allclose(unchanged, clean, atol=4e-5)  # one step of 16 bits
        changed = np.flatnonzero(np.abs(masked[clip_id] - clean) > 1e-3)
        assert 0.4 * RATE < np.ptp(changed) < 0.5 * RATE + 2 * MEL["n_fft"]
        middle = (changed[0] + changed[-1]) // 2
        assert np.abs(masked[clip_id][middle - 500 : middle + 500]).max() < 1e-3
        assert 0.05 < (noisy[clip_id] - clean).std() / clean.std() < 2
        assert np.abs(noisy[clip_id]).max() <= 1.0


def test_own_phase_makes_the_spectrogram_that_is_asked_for():
    """A change that the frames share arrives as it is: half the level, twice in the upper half."""
    rng = np.random.default_rng(0)
    waveform = torch.from_numpy(0.1 * rng.standard_normal(2 * RATE).astype(np.float32))
    front_end, own_phase = LogMel(RATE, **MEL), OwnPhase(RATE, MEL)
    log_mel = front_end(waveform[None])[0]
    change = torch.full_like(log_mel, np.log(0.5))
    change[:, 8:] = np.log(2.0)
    arrived = front_end(own_phase.resynthesise(waveform, change)[None])[0] - log_mel
    assert arrived[:, :7].mean() == pytest.approx(np.log(0.5), abs=0.03)
    assert arrived[:, 9:].mean() == pytest.approx(np.log(2.0), abs=0.03)
    assert (arrived[:, :7].std(), arrived[:, 9:].std()) < (0.1, 0.1)


def test_a_sound_that_would_clip_is_scaled_down(world):
    """Loud noise on clips of full level: as loud as 16 bits hold, but not cut off."""
    for number in range(8):
        tone = np.sin(2 * np.pi * (200 + 150 * number) * np.arange(2 * RATE) / RATE)
        audio.write(world / "real" / f"clip{number}.wav", (0.99 * tone).astype("f"), RATE)
    run(world, "noise", resynthesis="own_phase", noise_std=2.0)
    for noisy in sounds(world / "out").values():
        assert 0.3 < np.abs(noisy).max() <= 1.0
        assert (np.abs(noisy) > 0.999).sum() <= 2


def test_interference_is_of_another_class_at_the_snr(world):
    record = run(world, "interference")
    assert record["classes_in_data"] == 4 and record["interfering_classes_used"] == [2, 2]
    assert "note" not in record and record["rejected"] == {}
    partners = set()
    for clip_id, mixed in sounds(world / "out").items():
        number = int(clip_id[-1])
        clean = audio.read(world / "real" / f"{clip_id}.wav")[0]
        clean = audio.fit(clean - clean.mean(), int(1.5 * RATE))
        residue = mixed - clean
        peak = np.argmax(np.abs(np.fft.rfft(residue))) / 1.5
        partner = round((peak - 200) / 150)
        assert partner % 4 != number % 4
        partners.add(partner)
        if 5 not in (partner, number):  # full length both: power over the sound is power over all
            assert 10 * np.log10(np.mean(clean**2) / np.mean(residue**2)) == pytest.approx(
                6, abs=0.1
            )
    assert len(partners) >= 3


def test_fewer_classes_than_wanted_uses_all_others_and_says_so(world):
    record = run(world, "interference", interference_classes=10)
    assert record["interfering_classes_used"] == [3, 3]
    assert record["interfering_classes_wanted"] == 10
    assert "only 3 others" in record["note"]


def test_without_labels_a_caption_is_a_class(world):
    clips = [
        Clip(f"clip{i}", "f", caption=f"a sound {i // 2}", split="evaluation") for i in range(8)
    ]
    write_manifest(world / "manifest.csv", clips)
    record = run(world, "interference")
    assert record["clips_without_label"] == 8 and record["classes_in_data"] == 4


def test_a_mix_that_would_clip_is_scaled_down(world):
    for number in range(8):
        tone = np.sin(2 * np.pi * (200 + 150 * number) * np.arange(2 * RATE) / RATE)
        audio.write(world / "real" / f"clip{number}.wav", (0.95 * tone).astype("f"), RATE)
    run(world, "interference", interference_snr_db=0.0)
    for mixed in sounds(world / "out").values():
        assert np.abs(mixed).max() == pytest.approx(1.0, abs=1e-3)
        power = np.sort(np.abs(np.fft.rfft(mixed)) ** 2)
        assert power[:-2].sum() < 1e-4 * power.sum(), "scaled, not cut off: two tones, no third"


def test_silent_clips_are_set_aside(world):
    audio.write(world / "real" / "clip3.wav", np.zeros(RATE, "f"), RATE)
    record = run(world, "interference")
    assert record["n"] == 7 and "silent" in record["rejected"]["clip3"]
    assert list(sounds(world / "out")) == record["clips"]
    for number in range(8):
        audio.write(world / "real" / f"clip{number}.wav", np.zeros(RATE, "f"), RATE)
    with pytest.raises(UserError, match="no clip of .* will do"):
        run(world, "interference", "silent")
    assert not (world / "silent").exists()


def test_composed_and_disordered_hold_the_same_events(world):
    record = run(world, "composed", "composed")
    run(world, "disorder", "disorder")
    composed, disorder = sounds(world / "composed"), sounds(world / "disorder")
    orders = set()
    for clip_id, sources in record["sources"].items():
        assert sources[0] == clip_id and len(set(sources)) == 3
        assert len({LABELS[int(s[-1]) % 4] for s in sources}) == 3
        events = composed[clip_id].reshape(3, -1)
        for event, source in zip(events, sources, strict=True):
            peak = np.argmax(np.abs(np.fft.rfft(event))) / 0.5
            assert peak == 200 + 150 * int(source[-1])
        wrong = disorder[clip_id].reshape(3, -1)
        order = [int(np.argmin([np.abs(w - e).sum() for e in events])) for w in wrong]
        assert sorted(order) == [0, 1, 2] and order != [0, 1, 2]
        np.testing.assert_array_equal(wrong, events[order])
        orders.add(tuple(order))
    assert len(orders) > 1 and record["clips_with_repeated_class"] == 0


def test_an_event_is_the_loudest_stretch(world):
    quiet = np.zeros(2 * RATE, "f")
    quiet[3000:4000] = 0.5 * np.sin(np.arange(1000))
    audio.write(world / "real" / "clip0.wav", quiet, RATE)
    run(world, "composed")
    event = sounds(world / "out")["clip0"][:2000]
    assert np.sum(event**2) == pytest.approx(np.sum(quiet**2), rel=0.01)


def test_mistakes_are_told(world):
    with pytest.raises(UserError, match="unknown corruption 'echo'"):
        run(world, "echo")
    with pytest.raises(UserError, match="needs a vocoder.*own_phase"):
        run(world, "noise")
    with pytest.raises(UserError, match="events_per_clip: 1"):
        run(world, "composed", events_per_clip=1)
    with pytest.raises(UserError, match="only 8 clips"):
        run(world, "disorder", events_per_clip=9)
    assert run(world, "composed", events_per_clip=5)["clips_with_repeated_class"] == 8
    audio.write(world / "real" / "stranger.wav", np.ones(99, "f"), RATE)
    with pytest.raises(UserError, match="stranger is not a clip_id"):
        run(world, "composed")
