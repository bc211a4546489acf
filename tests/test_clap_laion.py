"""The CLAP backend laion: refusals, and the same embeddings as transformers' where laion-clap is.

Where it is: in this environment, or in that of the python which AUDIOLDM_BENCH_LAION_PYTHON names
(made from workflow/envs/laion.txt).
"""

from __future__ import annotations

import csv
import importlib.util
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from audioldm_bench import clap_laion
from audioldm_bench.clap import load_clap
from audioldm_bench.clap_front_end import ClapLogMel, extractor_config, write_front_end
from audioldm_bench.config_clap import LAION_FRONT_END
from audioldm_bench.errors import UserError
from audioldm_bench.interpreters import call
from audioldm_bench.pretrained import fan_in_weights
from audioldm_bench.store import Part, Store, build_store
from audioldm_bench.tokenizer import train_tokenizer

PYTHON = os.environ.get("AUDIOLDM_BENCH_LAION_PYTHON") or (
    sys.executable if importlib.util.find_spec("laion_clap") else None
)
TEXT = {
    "num_hidden_layers": 2,
    "vocab_size": 270,
    "layer_norm_eps": 1e-5,
    "projection_hidden_act": "relu",
}
TINY = {  # HTSAT-tiny
    "patch_embeds_hidden_size": 96,
    "depths": [2, 2, 6, 2],
    "num_attention_heads": [4, 8, 16, 32],
    "hidden_size": 768,
    "projection_hidden_act": "relu",
}
SETTINGS = {  # of laion-clap's HTSAT-tiny.json
    "sample_rate": 48000,
    "clip_samples": 480000,
    "window_size": 1024,
    "hop_size": 480,
    "mel_bins": 64,
    "fmin": 50,
    "fmax": 14000,
}


def _config(**audio):
    from transformers import ClapConfig

    return ClapConfig(text_config=TEXT, audio_config=TINY | audio, projection_dim=512)


def _spread(model: torch.nn.Module) -> torch.nn.Module:
    """Random weights under which sounds, and texts, are far from each other, as in a trained one;
    as the library starts them all embed alike, and nothing would be compared."""
    fan_in_weights(model)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1 or "bias_table" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
            elif name.startswith("text_model.embeddings"):
                parameter.mul_(50)
            elif name.startswith("text_model"):
                parameter.mul_(2.5)
        norm = model.audio_model.audio_encoder.batch_norm
        norm.running_mean.fill_(-30).add_(torch.randn(64, generator=generator), alpha=5)
        norm.running_var.uniform_(200, 500, generator=generator)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CLAP with HTSAT-tiny and a text tower of two layers, as an import leaves it."""
    from transformers import ClapModel

    folder = tmp_path_factory.mktemp("clap")
    train_tokenizer(["a dog barks", "rain falls on a roof"] * 4, folder, TEXT["vocab_size"])
    torch.manual_seed(0)
    _spread(ClapModel(_config())).save_pretrained(folder)
    write_front_end(folder, LAION_FRONT_END)
    return folder


# ---------------------------------------------------------------------------- refusals
def test_a_missing_laion_clap_is_refused_with_the_cure(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="laion_clap is not installed for") as mistake:
        load_clap(folder, "laion")
    for cure in ("workflow/envs/laion.txt", "runtime.laion_python", "--software-deployment-method"):
        assert cure in str(mistake.value)


def test_a_laion_clap_that_does_not_import_is_refused(folder, tmp_path, monkeypatch):
    """Another torch's torchvision, say. laion_clap's own import, which asks the hub, is not run."""
    package = tmp_path / "laion_clap"
    (package / "clap_module").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('the hub was asked')")
    words = "operator torchvision::nms does not exist"
    (package / "clap_module" / "__init__.py").write_text(f"raise RuntimeError('{words}')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "laion_clap", raising=False)
    monkeypatch.delitem(sys.modules, "clap_module", raising=False)
    before = list(sys.path)
    with pytest.raises(UserError, match=f"does not import in .*{words}.*laion.txt"):
        load_clap(folder, "laion")
    assert sys.path == before


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"config\.json is missing"):
        load_clap(tmp_path, "laion")


def test_other_models_than_laion_clap_has_are_refused(tmp_path, monkeypatch):
    from transformers import ClapModel

    config = _config(enable_fusion=True)
    config.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="a fusion CLAP"):
        load_clap(tmp_path, "laion")
    monkeypatch.setattr(clap_laion, "_laion_modules", lambda: (None, None))
    with pytest.raises(UserError, match=r"width 64; laion-clap has HTSAT-tiny \(96\) and HTSAT-ba"):
        clap_laion._build(_config(patch_embeds_hidden_size=64), tmp_path)

    with torch.device("meta"):
        state = _laion_layout(ClapModel(_config()))
    theirs = SimpleNamespace(
        state_dict=lambda: state,
        audio_branch=SimpleNamespace(norm=SimpleNamespace(eps=1e-5)),
    )
    clap_laion._check_sizes(_config(), theirs, tmp_path)
    words = r"audio_config\.spec_size is 128, laion-clap has 256; .*layer_norm_eps is 1e-12"
    with pytest.raises(UserError, match=words):
        clap_laion._check_sizes(_config(spec_size=128, layer_norm_eps=1e-12), theirs, tmp_path)


def _laion_layout(model) -> dict[str, torch.Tensor]:
    """laion-clap's names and shapes as far as the sizes are read from them."""
    names = {
        "audio_branch.bn0.weight": "batch_norm.weight",
        "audio_branch.norm.weight": "norm.weight",
        "audio_branch.patch_embed.proj.weight": "patch_embed.proj.weight",
    }
    state = model.audio_model.audio_encoder.state_dict()
    layout = {new: state[old] for new, old in names.items()}
    for name, tensor in state.items():
        if "relative_position_bias_table" in name:
            layout[f"audio_branch.{name.replace('attention.self', 'attn')}"] = tensor
        if "intermediate.dense.weight" in name:
            layout[f"audio_branch.{name.replace('intermediate.dense', 'mlp.fc1')}"] = tensor
        if ".query.weight" in name:
            layout[f"audio_branch.{name.replace('attention.self.query', 'attn.qkv')}"] = tensor
    return layout | {"audio_projection.2.weight": model.audio_projection.linear2.weight}


def test_another_front_end_than_the_built_in_one_is_refused(tmp_path):
    def check(**changes):
        config = extractor_config(LAION_FRONT_END | changes)
        clap_laion._check_front_end(ClapLogMel(config), SETTINGS, tmp_path)

    check()
    with pytest.raises(UserError, match="frequency_min is 0, laion-clap has 50; set models.clap.b"):
        check(f_min=0)
    with pytest.raises(UserError, match="samples of max_length_s is 240000, laion-clap has 480000"):
        check(duration=5.0)


# ---------------------------------------------------------------------------- the same embeddings
def _sounds() -> dict[str, np.ndarray]:
    """Noise of different colours, shorter and longer than what CLAP hears."""
    generator = np.random.default_rng(0)
    sounds = {}
    for number, seconds in enumerate((0.4, 1, 2.5, 5, 10, 10.24, 12, 5, 5)):
        noise = generator.standard_normal(int(seconds * 16000))
        kernel = np.hanning(2 + 3 * number)
        sounds[f"c{number}"] = np.convolve(noise, kernel, "same").astype(np.float32)
    return sounds


def _inputs(place) -> None:
    sounds = _sounds()
    build_store(
        place / "audio.h5",
        list(sounds),
        lambda ids: Part(ids, {"waveform": [sounds[i] for i in ids]}),
        state=place / "state-audio",
        fingerprint="x",
        attrs={"sample_rate": 16000},
    )
    texts = ["a dog barks", "rain falls", "", "a roof on a dog; rain, rain, rain " * 5]
    with open(place / "manifest.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip_id", "caption", "label"])
        writer.writerows([f"c{i}", text, "x"] for i, text in enumerate(texts))


@pytest.mark.slow
@pytest.mark.skipif(
    PYTHON is None,
    reason="laion_clap is not here, and AUDIOLDM_BENCH_LAION_PYTHON names no python that has it",
)
def test_both_backends_make_the_same_stores(folder, tmp_path):
    _inputs(tmp_path)
    common = {"clap_folder": folder, "clips_per_part": 8, "progress_every": 60}
    for backend, python in (("transformers", None), ("laion", PYTHON)):
        shard = {"audio_shard_path": tmp_path / "audio.h5", "state": tmp_path / "s"}
        shard |= {"out_path": tmp_path / f"a-{backend}.h5", "backend": backend}
        text = {"manifest_path": tmp_path / "manifest.csv", "state": tmp_path / "t"}
        text |= {"out_path": tmp_path / f"t-{backend}.h5", "backend": backend}
        call("audioldm_bench.clap:embed_audio_shard", common | shard, python)
        call("audioldm_bench.clap:embed_prompts", common | text | {"template": "{caption}"}, python)
    for kind in "at":
        ours, theirs = (tmp_path / f"{kind}-{b}.h5" for b in ("transformers", "laion"))
        with Store(ours) as a, Store(theirs) as b:
            assert a.ids == b.ids and a.names == b.names and a.rejected == b.rejected
            assert set(a.attrs) == set(b.attrs)
            x, y = a.array("embedding"), b.array("embedding")
            free = np.subtract(a.attrs["unconditional"], b.attrs["unconditional"])
        assert y.dtype == np.float32 and x.shape == y.shape
        # Unit vectors: a distance is a relative error.
        assert np.linalg.norm(x - y, axis=1).max() <= 1e-5
        assert np.linalg.norm(free) <= 1e-5
        apart = np.linalg.norm(x[:, None] - x[None], axis=2)[np.triu_indices(len(x), 1)]
        assert apart.min() > 0.01
