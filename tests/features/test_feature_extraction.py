import numpy as np
import pytest
import soundfile
import torch

from audioldm_bench import audio
from audioldm_bench.errors import UserError
from audioldm_bench.evaluation.system import evaluate_system
from audioldm_bench.features import extract
from audioldm_bench.features.cnn import SmallCnn, save_cnn
from audioldm_bench.features.registry import load_backbone
from audioldm_bench.store import Store

RATE = 16000
FORM = {"nominal_duration": 1.5, "minimum_duration": 1.0}
METRICS = {"fd": "tagger", "is": "tagger", "kl": "tagger", "fad": "embedder"}
METRICS |= {"is_splits": 2, "is_seed": 2020}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    mel = {
        "n_fft": 512,
        "hop_length": 160,
        "win_length": 512,
        "n_mels": 16,
        "f_min": 0,
        "f_max": 8000,
    }
    for name, example in (("tagger", None), ("embedder", 0.48)):
        torch.manual_seed(len(name))
        config = {
            "sample_rate": RATE,
            "mel": mel,
            "channels": [4, 6],
            "embedding": 8,
            "labels": ["a", "b", "c"],
            "example_duration": example,
        }
        network = SmallCnn(config)
        with torch.no_grad():
            network.scale.bias.normal_(std=2.0)  # so that clips differ as after training
            network.embedding.weight *= 100
            network.head.weight *= 20
        save_cnn(network, folder / name)
    return {name: folder / name for name in ("tagger", "embedder")}


def write_clips(folder, seed=0, n=11):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(n):
        tone = np.sin(np.arange(RATE * (1 + number % 3)) * (0.02 + 0.03 * number + 0.01 * seed))
        samples = 0.3 * tone + (0.02 + 0.2 * seed) * rng.standard_normal(len(tone))
        audio.write(folder / f"clip{number:02d}.wav", samples.astype(np.float32), RATE)
    return folder


def run(clips, weights, out, **options):
    outputs = {name: out / f"{name}.h5" for name in weights}
    options = {**FORM, "state": out / "state", "progress_every": 0.0, **options}
    extract.extract_features(clips, outputs, weights, **options)
    return outputs


def test_rows_are_what_the_backbone_says(weights, tmp_path):
    clips = write_clips(tmp_path / "clips")
    outputs = run(clips, weights, tmp_path)
    for name, path in outputs.items():
        backbone = load_backbone(name, weights[name])
        with Store(path) as store:
            assert store.ids == sorted(p.stem for p in clips.glob("*.wav"))
            assert store.attrs["backbone"] == name and len(store.attrs["weights_sha256"]) == 64
            for clip_id in store.ids:
                heard = extract.prepare_clip(clips / f"{clip_id}.wav", [RATE], **FORM)[RATE]
                assert len(heard) == 1.5 * RATE
                said = backbone.embed(torch.from_numpy(heard)[None])
                found, expected = store.get("embedding", clip_id), said["embedding"][0].numpy()
                assert found.shape == expected.shape == ((3, 8) if name == "embedder" else (8,))
                np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
            assert ("logits" in store.names) == (name == "tagger")


def test_parts_change_no_bit_and_batches_no_metric(weights, tmp_path, monkeypatch):
    """Neither the knob `clips_per_part` nor the size of a forward pass is seen in a result."""
    generated, real = write_clips(tmp_path / "g", seed=1), write_clips(tmp_path / "r", seed=0)
    reference = run(real, weights, tmp_path / "reference")
    usual = run(generated, weights, tmp_path / "usual")
    for size in (1, 6, 1000):
        other = run(generated, weights, tmp_path / f"part{size}", clips_per_part=size)
        for name in weights:
            assert other[name].read_bytes() == usual[name].read_bytes()
    options = {"metrics_config": METRICS}
    expected = evaluate_system(usual, reference, None, tmp_path / "usual.json", **options)
    assert expected["fd"] > 1e-3 and expected["kl"] > 1e-4
    for batch in (1, 3, 16):
        monkeypatch.setattr(extract, "BATCH", batch)
        other = run(generated, weights, tmp_path / f"batch{batch}")
        found = evaluate_system(other, reference, None, tmp_path / "other.json", **options)
        for metric in ("fd", "is", "kl", "fad"):
            assert found[metric] == pytest.approx(expected[metric], rel=1e-4, abs=1e-7)


def test_a_killed_run_goes_on_and_gives_the_same_bytes(weights, tmp_path, monkeypatch):
    clips = write_clips(tmp_path / "clips")
    undisturbed = run(clips, weights, tmp_path / "a", clips_per_part=4)
    read, heard = extract.prepare_clip, []

    def dies_at(clip):
        def prepare(path, *args, **options):
            if path.stem == clip:
                raise KeyboardInterrupt
            heard.append(path.stem)
            return read(path, *args, **options)

        return prepare

    monkeypatch.setattr(extract, "prepare_clip", dies_at("clip09"))
    with pytest.raises(KeyboardInterrupt):
        run(clips, weights, tmp_path / "b", clips_per_part=4)
    assert not (tmp_path / "b" / "tagger.h5").exists()
    heard.clear()
    monkeypatch.setattr(extract, "prepare_clip", dies_at("none"))
    resumed = run(clips, weights, tmp_path / "b", clips_per_part=4)
    assert heard == ["clip08", "clip09", "clip10"], "whole parts are not embedded again"
    for name in weights:
        assert resumed[name].read_bytes() == undisturbed[name].read_bytes()


def test_other_clips_do_not_take_up_the_state_of_a_killed_run(weights, tmp_path, monkeypatch):
    clips = write_clips(tmp_path / "clips")
    read = extract.prepare_clip

    def dies(path, *args, **options):
        if path.stem == "clip09":
            raise KeyboardInterrupt
        return read(path, *args, **options)

    monkeypatch.setattr(extract, "prepare_clip", dies)
    with pytest.raises(KeyboardInterrupt):
        run(clips, weights, tmp_path, clips_per_part=4)
    monkeypatch.undo()
    audio.write(clips / "clip00.wav", np.ones(RATE, np.float32).cumsum() / RATE, RATE)
    found = run(clips, weights, tmp_path, clips_per_part=4)
    fresh = run(clips, weights, tmp_path / "fresh", clips_per_part=4)
    assert found["tagger"].read_bytes() == fresh["tagger"].read_bytes()


def test_bad_clips_are_set_aside_with_a_reason(weights, tmp_path):
    clips = write_clips(tmp_path / "clips", n=5)
    (clips / "text.wav").write_text("this is no sound")
    (clips / "clip03.wav").write_bytes((clips / "clip03.wav").read_bytes()[:20])
    audio.write(clips / "empty.wav", np.zeros(0, np.float32), RATE)
    bad = np.full(RATE, np.nan, np.float32)
    soundfile.write(clips / "nan.wav", bad, RATE, subtype="FLOAT")
    audio.write(clips / "one-sample.wav", np.ones(1, np.float32), RATE)
    audio.write(clips / "silence.wav", np.zeros(RATE, np.float32), RATE)
    for path in run(clips, weights, tmp_path, clips_per_part=4).values():
        with Store(path) as store:
            assert set(store.rejected) == {"text", "clip03", "empty", "nan"}
            assert all(store.rejected.values())
            good = ["clip00", "clip01", "clip02", "clip04", "one-sample", "silence"]
            assert store.ids == good
            assert np.isfinite(store.flat("embedding")).all()


def test_audio_is_prepared_as_in_audioldm_eval(tmp_path):
    """First channel, minus its mean, resampled; then cut, or padded with zeros at the end."""
    time = np.arange(44100 * 2) / 44100
    left = 0.25 + 0.5 * np.sin(2 * np.pi * 440 * time)
    stereo = np.stack([left, np.random.default_rng(0).uniform(-1, 1, len(left))], axis=1)
    soundfile.write(tmp_path / "stereo.wav", stereo, 44100, subtype="FLOAT")
    options = {"nominal_duration": 3.0, "minimum_duration": 1.0}
    heard = extract.prepare_clip(tmp_path / "stereo.wav", [RATE, 8000], **options)
    assert len(heard[RATE]) == 3 * RATE and len(heard[8000]) == 3 * 8000
    assert not heard[RATE][2 * RATE :].any()
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    np.testing.assert_allclose(heard[RATE][500:31500], expected[500:31500], atol=2e-3)
    for nominal, minimum, length in ((0.5, 0.1, 8000), (0.5, 2.0, 32000)):
        options = {"nominal_duration": nominal, "minimum_duration": minimum}
        short = extract.prepare_clip(tmp_path / "stereo.wav", [RATE], **options)[RATE]
        assert len(short) == length
        np.testing.assert_array_equal(short[:8000], heard[RATE][:8000])
        assert not short[8000:].any()


def test_clip_list_names_ids_and_bytes(weights, tmp_path):
    def listed(folder, out):
        with Store(run(folder, weights, out)["tagger"]) as store:
            return store.attrs["clip_list_sha256"]

    clips = write_clips(tmp_path / "a", n=3)
    first = listed(clips, tmp_path / "o1")
    assert listed(write_clips(tmp_path / "b", n=3), tmp_path / "o2") == first
    (clips / "clip02.wav").rename(clips / "clip9.wav")
    assert listed(clips, tmp_path / "o3") != first


def test_mistakes_are_told(weights, tmp_path):
    with pytest.raises(UserError, match="no wav files"):
        run(tmp_path, weights, tmp_path / "out")
    with pytest.raises(UserError, match="outputs"):
        extract.extract_features(
            tmp_path, {}, weights, **FORM, state=tmp_path / "s", clips_per_part=4
        )
