import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from audioldm_bench.errors import UserError
from audioldm_bench.features import panns, vggish
from audioldm_bench.features.base import Backbone
from audioldm_bench.features.registry import BACKBONES, load_backbone
from audioldm_bench.features.weights import load_published


def loaded_by(code):
    """Which heavy modules a fresh process holds after `code`."""
    names = ["torch", "transformers", "diffusers", "resampy", "panns_inference.config"]
    code = f"{code}\nimport sys\nprint(*(n for n in {names!r} if n in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    return set(done.stdout.split())


def test_modules_for_metrics_import_no_torch():
    rooms = ("features.registry", "features.extract", "evaluation", "corruptions")
    assert loaded_by("\n".join(f"import audioldm_bench.{room}" for room in rooms)) == set()


def test_networks_import_torch_alone_and_touch_nothing(tmp_path, monkeypatch):
    """panns_inference runs wget into the home folder when it is imported; we go around that."""
    monkeypatch.setenv("HOME", str(tmp_path))
    code = """
from audioldm_bench.features.imports import import_submodule
assert import_submodule("panns_inference", "models").Cnn14
assert import_submodule("torchvggish", "torchvggish")._vgg
assert import_submodule("torchvggish", "mel_features").frame
import torchvggish.mel_features
"""
    assert loaded_by(code.rsplit("\n", 2)[0]) == {"torch"}
    assert not (tmp_path / "panns_data").exists()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Full-size networks with seeded weights, saved as the published files are."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    models = {name: panns.build_cnn14(end) for name, end in panns.FRONT_ENDS.items()}
    for name, network in models.items():
        torch.save({"model": network.state_dict()}, folder / f"{name}.pth")
    torch.save(vggish.build_vggish().state_dict(), folder / "vggish.pth")
    yield folder
    for path in folder.iterdir():  # 950 MB
        path.unlink()


def sounds(batch, seconds, rate=16000):
    generator = torch.Generator().manual_seed(1)
    return 0.1 * torch.randn(batch, int(rate * seconds), generator=generator)


@pytest.mark.parametrize("name", panns.FRONT_ENDS)
def test_cnn14(published, name):
    backbone = load_backbone(name, published / f"{name}.pth")
    assert isinstance(backbone, Backbone) and backbone.classifies and not backbone.examples
    assert backbone.name == name and f"{backbone.sample_rate // 1000}k" in name
    waveforms = sounds(2, 0.5, backbone.sample_rate)
    found = backbone.embed(waveforms)
    assert found["embedding"].shape == (2, 2048) and found["logits"].shape == (2, 527)
    assert (found["embedding"] >= 0).all() and (found["logits"] < 0).any()
    torch.testing.assert_close(backbone.embed(waveforms[1:])["logits"], found["logits"][1:])


def test_vggish(published):
    backbone = load_backbone("vggish", published / "vggish.pth")
    assert isinstance(backbone, Backbone) and backbone.examples and not backbone.classifies
    first, second = backbone.embed(sounds(2, 2.0))["embedding"]
    assert first.shape == second.shape == (2, 128)
    assert (first < 0).any(), "the last ReLU must be gone"
    torch.testing.assert_close(backbone.embed(sounds(2, 2.0)[1:])["embedding"][0], second)


def test_weights_of_another_network_are_refused(published, tmp_path):
    refused = pytest.raises(UserError, match="not the weights of Cnn14.*download it again")
    for name, file in (("16k", "vggish"), ("16k", "panns_cnn14_32k"), ("32k", "panns_cnn14_16k")):
        with refused:
            load_backbone(f"panns_cnn14_{name}", published / f"{file}.pth")
    broken = tmp_path / "broken.pth"
    broken.write_text("<html>not found</html>")
    with pytest.raises(UserError, match="broken.pth"):
        load_backbone("vggish", broken)


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_beside_a_samplers_numpy_state_load(tmp_path, zipped):
    """Cnn14's file was saved in training, by torch before 1.6 and numpy 1."""
    network = torch.nn.Linear(2, 3)
    sampler = {"indexes": np.arange(7), "queue": [np.arange(2)], "pointer": 5}
    content = {"iteration": 600000, "model": network.state_dict(), "sampler": sampler}
    path = tmp_path / "trained.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    if not zipped:
        written = path.read_bytes()
        path.write_bytes(written.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    other = torch.nn.Linear(2, 3)
    load_published(other, path, inside="model")
    torch.testing.assert_close(other.weight, network.weight)


def test_pickled_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "owned"),))

    torch.save({"model": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(UserError):
        load_backbone("panns_cnn14_16k", tmp_path / "evil.pth")
    assert not (tmp_path / "owned").exists()


def test_unknown_name_and_missing_file(tmp_path):
    with pytest.raises(UserError, match="unknown backbone 'resnet'.*vggish"):
        load_backbone("resnet", tmp_path)
    for name in BACKBONES:
        with pytest.raises(UserError, match="no weights at"):
            load_backbone(name, tmp_path / "nothing")
