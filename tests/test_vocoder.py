"""The vocoder: length, range, and folders that are refused."""

from __future__ import annotations

import pytest
import torch

from audioldm_bench.components.vocoder import build_vocoder
from audioldm_bench.errors import UserError
from audioldm_bench.vocoder import load_vocoder, vocode

MEL = {"n_mels": 64, "hop_length": 160}
MODEL = {
    "upsample_initial_channel": 32,
    "upsample_rates": [5, 4, 2, 2, 2],
    "upsample_kernel_sizes": [16, 16, 8, 4, 4],  # the published ones: a few samples too many
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocoder")
    torch.manual_seed(0)
    build_vocoder(MODEL, MEL, 16000).save_pretrained(folder)
    return folder


def test_sound_is_trimmed_to_the_length_asked_for(folder):
    vocoder = load_vocoder(folder)
    log_mel = torch.full((1, 1024, 64), -5.0)
    whole = vocoder(log_mel)
    assert whole.shape == (1, 163872), "as the published vocoder"
    trimmed = vocode(vocoder, log_mel, 163840)
    assert trimmed.shape == (1, 163840) and not trimmed.requires_grad
    torch.testing.assert_close(trimmed, whole[:, :163840])


def test_clips_of_a_batch_do_not_mix(folder):
    vocoder = load_vocoder(folder)
    torch.manual_seed(1)
    log_mel = torch.randn(3, 16, 64) - 5
    together = vocode(vocoder, log_mel, 2560)
    torch.testing.assert_close(vocode(vocoder, log_mel[1:2], 2560), together[1:2])


def test_spectrogram_too_short_for_the_sound_is_refused(folder):
    with pytest.raises(UserError, match="9999 are asked for"):
        vocode(load_vocoder(folder), torch.zeros(1, 16, 64), 9999)


def test_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"config\.json is missing"):
        load_vocoder(tmp_path)


def test_left_over_weights_are_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    for name in [*weights]:
        if name.startswith("resblocks.4"):
            weights.pop(name)
    save_file(weights | {"stray": torch.zeros(1)}, tmp_path / "model.safetensors", {"format": "pt"})
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(UserError, match="do not fit"):
        load_vocoder(tmp_path)
