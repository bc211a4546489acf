"""EfficientAT mn04 against the published code's own numbers, and on real sounds."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from audioldm_bench import audio
from audioldm_bench.errors import UserError
from audioldm_bench.features import extract
from audioldm_bench.features.base import Backbone
from audioldm_bench.features.efficientat import LogMel, Mn04
from audioldm_bench.features.registry import load_backbone
from audioldm_bench.store import Store

RATE = 32000
DATA = Path(__file__).parents[3] / "shared" / "data"
REAL = DATA / "models" / "mn04_as_mAP_432.pt"
# The classes of AudioSet that say the same as the labels of ESC-10.
MATCHING = {
    "Dog bark": "Dog",
    "Rain": "Rain",
    "Sea waves": "Waves, surf",
    "Baby cry": "Baby cry, infant cry",
    "Clock tick": "Tick-tock",
    "Person sneeze": "Sneeze",
    "Helicopter": "Helicopter",
    "Chainsaw": "Chainsaw",
    "Rooster": "Crowing, cock-a-doodle-doo",
    "Fire crackling": "Fire",
}


def seeded_weights(network):
    """A state dict with weights of lively sizes, the same on every machine."""
    rng = np.random.RandomState(0)
    state = network.state_dict()
    for key, tensor in state.items():
        drawn = rng.standard_normal(tuple(tensor.shape))
        if key.endswith("num_batches_tracked"):
            drawn = np.zeros(())
        elif key.endswith("running_var"):
            drawn = 1 + 0.2 * np.abs(drawn)
        elif tensor.dim() > 1:
            drawn *= (2 / np.prod(tensor.shape[1:])) ** 0.5
        else:
            drawn = 0.2 * drawn + key.endswith(".weight")
        state[key] = torch.from_numpy(np.asarray(drawn)).to(tensor.dtype)
    return state


def sounds():
    """A rising tone in noise, and noise: (2, 32000)."""
    time = np.arange(RATE) / RATE
    rng = np.random.RandomState(1)
    tone = 0.3 * np.sin(2 * np.pi * (200 * time + 3000 * time**2))
    rising = tone + 0.02 * rng.standard_normal(RATE)
    return torch.from_numpy(np.stack([rising, 0.1 * rng.standard_normal(RATE)])).float()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mn04.pth"
    torch.save(seeded_weights(Mn04()), path)
    return path


@pytest.fixture(scope="module")
def backbone(weights):
    return load_backbone("efficientat_mn04", weights)


@pytest.fixture(scope="module")
def real():
    if not REAL.exists():
        pytest.skip(f"the real weights {REAL.name} are not here")
    return load_backbone("efficientat_mn04", REAL)


def close(found, golden):
    np.testing.assert_allclose(found.flatten().numpy(), golden, rtol=1e-4, atol=2e-4)


def test_log_mel_is_that_of_the_published_code():
    """Numbers from fschmid56/EfficientAT at a425fdc, its mel bands from torchaudio 2.8."""
    log_mel = LogMel()(sounds())
    assert log_mel.shape == (2, 128, 100)
    assert log_mel.mean() == pytest.approx(0.5970754, rel=1e-4)
    assert log_mel.std() == pytest.approx(0.7859692, rel=1e-4)
    tone = [0.256054, -1.199125, -1.339045, -0.945206, -0.256687, -0.186883, -0.344824, -0.401839]
    tone += [0.269289, 0.254154, 0.577472, 0.252712, 1.095814, 0.977572, 0.758137, 1.016241]
    close(log_mel[0, ::32, ::25], tone)


def test_network_is_that_of_the_published_code(backbone):
    """On seeded weights and sounds; the published code is run on the same ones."""
    found = backbone.embed(sounds())
    rising = [-1.095056, 14.267311, 27.86948, -29.116337, -14.039386, 2.580951]
    noise = [-6.70193, 1.571502, 29.871464, -1.829872, -29.318281, 2.354129]
    close(found["logits"][:, ::100], rising + noise)
    assert found["logits"].norm() == pytest.approx(653.58887, rel=1e-4)
    rising = [4.812587, 1.801296, 4.052481, -0.018187, 17.007645]
    noise = [3.071772, 1.433129, 12.138844, 3.410362, 33.146885]
    close(found["embedding"][:, ::80], rising + noise)
    assert found["embedding"].norm() == pytest.approx(377.33634, rel=1e-4)


def test_interface(backbone):
    assert isinstance(backbone, Backbone) and backbone.classifies and not backbone.examples
    assert backbone.name == "efficientat_mn04" and backbone.sample_rate == RATE
    assert sum(weight.numel() for weight in backbone.network.parameters()) == 983_599
    found = backbone.embed(sounds())
    assert found["embedding"].shape == (2, 384) and found["logits"].shape == (2, 527)
    assert found["embedding"].dtype == found["logits"].dtype == torch.float32
    head = backbone.network.classifier
    with torch.no_grad():
        hidden = torch.nn.functional.hardswish(head[2](found["embedding"]))
        torch.testing.assert_close(head[5](hidden), found["logits"])


def test_a_clip_is_heard_alike_in_every_batch(backbone):
    waveforms = torch.cat([sounds(), sounds().flip(1), torch.zeros(1, RATE)])
    together = backbone.embed(waveforms)
    for row, waveform in enumerate(waveforms):
        alone = backbone.embed(waveform[None])
        for array in ("embedding", "logits"):
            apart = (alone[array][0] - together[array][row]).norm()
            assert apart < 1e-5 * together[array][row].norm()


@pytest.mark.parametrize("length", [514, 6400, 32001])
def test_short_clips_and_silence(backbone, length):
    for waveforms in (sounds().repeat(1, 2)[:, :length], torch.zeros(1, length)):
        for rows in backbone.embed(waveforms).values():
            assert len(rows) == len(waveforms) and torch.isfinite(rows).all()


def test_clips_at_another_rate_are_resampled_once_to_each_backbones_own(weights, tmp_path):
    """Clips of the study are at 16 kHz; this backbone hears them at 32 kHz."""
    clips = tmp_path / "clips"
    clips.mkdir()
    for number, samples in enumerate(sounds().numpy()):
        audio.write(clips / f"{number}.wav", samples[::2], 16000)
    form = {"nominal_duration": 1.5, "minimum_duration": 2.0}
    path = tmp_path / "features.h5"
    backbones = {"efficientat_mn04": weights}
    outputs = {"efficientat_mn04": path}
    extract.extract_features(clips, outputs, backbones, **form, state=tmp_path / "state")
    backbone = load_backbone("efficientat_mn04", weights)
    with Store(path) as store:
        assert store.ids == ["0", "1"] and set(store.names) > {"embedding", "logits"}
        for clip_id in store.ids:
            samples, rate = audio.read(clips / f"{clip_id}.wav")
            heard = audio.fit(audio.resample(samples - samples.mean(), rate, RATE), 2 * RATE)
            expected = backbone.embed(torch.from_numpy(heard)[None])
            for array in ("embedding", "logits"):
                np.testing.assert_allclose(
                    store.get(array, clip_id), expected[array][0], rtol=1e-4, atol=1e-4
                )


def test_weights_that_do_not_fit_are_refused(weights, tmp_path):
    state = torch.load(weights, weights_only=True)
    missing = {key: value for key, value in state.items() if key != "classifier.5.bias"}
    for other in (missing, state | {"classifier.6.bias": torch.zeros(1)}, {}):
        torch.save(other, tmp_path / "other.pth")
        with pytest.raises(UserError, match="other.pth: not the weights of Mn04"):
            load_backbone("efficientat_mn04", tmp_path / "other.pth")


def test_the_real_weights_load_whole(real):
    published = torch.load(REAL, weights_only=True)
    loaded = real.network.state_dict()
    assert set(loaded) == set(published) and len(loaded) == 312
    assert all(torch.equal(loaded[key], published[key]) for key in published)


def test_the_real_tagger_knows_real_sounds(real):
    """The first 20 clips of each class of ESC-10, at their own rate; 195 were right."""
    with open(DATA / "audioset" / "class_labels_indices.csv", newline="", encoding="utf-8") as file:
        names = [row["display_name"] for row in csv.DictReader(file)]
    with open(DATA / "esc10" / "esc10.csv", newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    matching = [names.index(MATCHING[label]) for label in MATCHING]
    right = asked = 0
    for label in MATCHING:
        for row in [row for row in rows if row["label"] == label][:20]:
            samples, rate = audio.read(DATA / "esc10" / row["file"])
            heard = audio.resample(samples - samples.mean(), rate, RATE)
            logits = real.embed(torch.from_numpy(heard)[None])["logits"][0]
            right += list(MATCHING)[logits[matching].argmax()] == label
            asked += 1
    assert asked == 200 and right >= 190
