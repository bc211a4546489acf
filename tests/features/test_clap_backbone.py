"""The study's CLAP as a backbone of the metrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audioldm_bench.clap import load_clap
from audioldm_bench.clap_front_end import write_front_end
from audioldm_bench.components.clap import build_clap
from audioldm_bench.errors import UserError
from audioldm_bench.features.base import Backbone
from audioldm_bench.features.registry import load_backbone
from audioldm_bench.tokenizer import train_tokenizer
from tiny_clap import FRONT_END, SIZES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clap")
    train_tokenizer(["a dog barks", "rain falls"], folder, 270)
    torch.manual_seed(0)
    build_clap(SIZES, FRONT_END, folder).model.save_pretrained(folder)
    write_front_end(folder, FRONT_END)
    return folder


@pytest.mark.parametrize("seconds", [0.2, 0.7])  # repeated, cut
def test_embeds_as_the_study_does(folder, seconds):
    backbone = load_backbone("clap", folder)
    assert isinstance(backbone, Backbone) and not backbone.classifies and not backbone.examples
    clips = np.random.default_rng(0).standard_normal((3, round(16000 * seconds))) * 0.1
    waveforms = torch.from_numpy(clips.astype(np.float32))
    found = backbone.embed(waveforms)
    assert set(found) == {"embedding"} and found["embedding"].shape == (3, 8)
    expected = load_clap(folder).embed_audio(list(waveforms.numpy()), rate=backbone.sample_rate)
    np.testing.assert_array_equal(found["embedding"].numpy(), expected)
    np.testing.assert_allclose(found["embedding"].norm(dim=1), 1, rtol=1e-6)
    assert not torch.allclose(found["embedding"][0], found["embedding"][1], atol=1e-4)
    alone = backbone.embed(waveforms[2:])["embedding"]
    torch.testing.assert_close(alone[0], found["embedding"][2])


def test_a_folder_that_is_no_clap_is_refused(folder, tmp_path):
    with pytest.raises(UserError, match="config.json is missing"):
        load_backbone("clap", tmp_path)
