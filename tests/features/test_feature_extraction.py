"""Folder of clips in, feature files out."""

import numpy as np
import pytest
import soundfile
import torch
from feature_world import FORM, RATE, Counter, run, save_small_cnn, sound, write_clips

from audioldm_bench import audio
from audioldm_bench.errors import UserError
from audioldm_bench.features.clips import prepare_clip
from audioldm_bench.features.extract import extract_features
from audioldm_bench.features.registry import load_backbone
from audioldm_bench.store import Store


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        "tagger": save_small_cnn(folder / "tagger", 6),
        "embedder": save_small_cnn(folder / "embedder", 8, example=0.48),
    }


def test_rows_are_what_the_backbone_says(weights, tmp_path):
    clips = write_clips(tmp_path / "clips", n=6)
    outputs = run(clips, weights, tmp_path)
    for name, path in outputs.items():
        backbone = load_backbone(name, weights[name])
        with Store(path) as store:
            assert store.ids == sorted(p.stem for p in clips.glob("*.wav"))
            assert store.attrs["backbone"] == name and len(store.attrs["weights_sha256"]) == 64
            assert set(store.attrs["versions"]) > {"audioldm-bench", "torch", "libsndfile"}
            for clip_id in store.ids:
                heard = prepare_clip(clips / f"{clip_id}.wav", [RATE], **FORM)[RATE]
                assert len(heard) == 1.5 * RATE
                said = backbone.embed(torch.from_numpy(heard)[None])
                found, expected = store.get("embedding", clip_id), said["embedding"][0].numpy()
                assert found.shape == expected.shape == ((3, 8) if name == "embedder" else (8,))
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
            assert ("logits" in store.names) == (name == "tagger")


def test_parts_change_no_bit_and_batches_have_one_shape(weights, tmp_path, monkeypatch):
    clips, counter = write_clips(tmp_path / "clips"), Counter(monkeypatch)
    usual = run(clips, weights, tmp_path / "usual")
    assert sorted(counter.heard) == [f"clip{n:02d}" for n in range(11)], "once for all backbones"
    assert counter.shapes == dict.fromkeys(weights, 3 * [(4, 1.5 * RATE)])
    for size in (1, 6):
        other = run(clips, weights, tmp_path / f"part{size}", clips_per_part=size)
        for name in weights:
            assert other[name].read_bytes() == usual[name].read_bytes()


def test_a_row_does_not_depend_on_its_company(weights):
    """On which appended folders and resumed runs rely; to the bit."""
    clips = [sound(n, 1.5) for n in range(6)]
    for name, path in weights.items():
        backbone = load_backbone(name, path)

        def rows(*chosen, backbone=backbone):
            batch = torch.from_numpy(np.stack([clips[n] for n in chosen]))
            said = backbone.embed(batch)
            return [torch.cat([a[i].flatten() for a in said.values()]) for i in range(len(batch))]

        usual, other = rows(0, 1, 2, 3), rows(5, 3, 0, 0)
        assert torch.equal(other[1], usual[3]) and torch.equal(other[2], usual[0])
        assert torch.equal(other[3], usual[0]) and not torch.equal(other[0], usual[0])


def test_audio_is_prepared_as_in_audioldm_eval(tmp_path):
    """First channel, minus its mean, resampled; then cut, or padded with zeros at the end."""
    time = np.arange(44100 * 2) / 44100
    left = 0.25 + 0.5 * np.sin(2 * np.pi * 440 * time)
    stereo = np.stack([left, np.random.default_rng(0).uniform(-1, 1, len(left))], axis=1)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, stereo, 44100, subtype="FLOAT")
    heard = prepare_clip(path, [RATE, 8000], nominal_duration=3.0, minimum_duration=1.0)
    assert len(heard[RATE]) == 3 * RATE and len(heard[8000]) == 3 * 8000
    assert not heard[RATE][2 * RATE :].any()
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    np.testing.assert_allclose(heard[RATE][500:31500], expected[500:31500], atol=2e-3)
    for nominal, minimum, length in ((0.5, 0.1, 8000), (0.5, 2.0, 32000)):
        options = {"nominal_duration": nominal, "minimum_duration": minimum}
        short = prepare_clip(path, [RATE], **options)[RATE]
        assert len(short) == length
        np.testing.assert_array_equal(short[:8000], heard[RATE][:8000])
        assert not short[8000:].any()
    for minimum, length in ((0.1, 32000), (2.5, 40000)):
        own = prepare_clip(path, [RATE], nominal_duration=None, minimum_duration=minimum)[RATE]
        assert len(own) == length
        np.testing.assert_array_equal(own[:32000], heard[RATE][:32000])


def test_clips_may_keep_their_own_length(weights, tmp_path, monkeypatch):
    clips, counter = write_clips(tmp_path / "clips", n=5), Counter(monkeypatch)
    outputs = run(clips, weights, tmp_path, nominal_duration=None)
    assert counter.shapes["tagger"] == [(1, s * RATE) for s in (1, 2, 3, 1, 2)]
    with Store(outputs["embedder"]) as store:
        examples = [len(store.get("embedding", i)) for i in store.ids]
        assert examples == [2, 4, 6, 2, 4] and store.attrs["nominal_duration"] is None


def test_all_formats_are_read(weights, tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    kinds = {"a.wav": "PCM_16", "b.FLAC": "PCM_24", "c.ogg": "VORBIS", "d.mp3": "MPEG_LAYER_III"}
    for name, subtype in kinds.items():
        soundfile.write(folder / name, sound(1, 1.5), RATE, subtype=subtype)
    for other in ("notes.txt", ".hidden.wav"):
        (folder / other).write_text("no clip")
    with Store(run(folder, weights, tmp_path)["tagger"]) as store:
        rows = store.array("embedding")
        assert store.ids == ["a", "b", "c", "d"] and store.rejected == {}
    distances = np.linalg.norm(rows - rows[0], axis=1) / np.linalg.norm(rows[0])
    assert distances[1] < 1e-3 and 0 < distances[2:].max() < 0.3


def test_clip_list_names_ids_and_bytes(weights, tmp_path):
    def listed(folder, out):
        with Store(run(folder, {"tagger": weights["tagger"]}, out)["tagger"]) as store:
            return store.attrs["clip_list_sha256"]

    clips = write_clips(tmp_path / "a", n=3)
    first = listed(clips, tmp_path / "o1")
    assert listed(write_clips(tmp_path / "b", n=3), tmp_path / "o2") == first
    (clips / "clip02.wav").rename(clips / "clip9.wav")
    assert listed(clips, tmp_path / "o3") != first


def test_mistakes_are_told(weights, tmp_path):
    with pytest.raises(UserError, match="no sound files"):
        run(tmp_path, weights, tmp_path / "out")
    with pytest.raises(UserError, match="no such folder"):
        run(tmp_path / "absent", weights, tmp_path / "out")
    with pytest.raises(UserError, match="outputs"):
        extract_features(tmp_path, {}, weights, **FORM, state=tmp_path / "s", clips_per_part=4)
    audio.write(tmp_path / "a.wav", sound(0), RATE)
    with pytest.raises(UserError, match="no such weights"):
        run(tmp_path, {"tagger": tmp_path / "absent"}, tmp_path / "out")
