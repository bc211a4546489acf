"""Resampler and log-mel front end against the authors' training code."""

from __future__ import annotations

import numpy as np
import parity_inputs as inputs
import pytest
import torch
from parity_check import TOLERANCE
from parity_draws import noise, weight

from audioldm_bench import audio
from audioldm_bench.mel import LogMel
from audioldm_bench.vae import prepare

DRAWS = [  # three numbers of noise, four of a weight
    -0.14529836177825928,
    -0.2742323875427246,
    0.30067795515060425,
    -0.43736732006073,
    -0.9554778933525085,
    1.0227166414260864,
    0.9800119996070862,
]


def test_draws_are_those_of_the_golden_numbers():
    """If this fails, the others do not tell about the code: the draws themselves changed."""
    drawn = noise("draws", 3).tolist() + weight("some.weight", (2, 2)).flatten().tolist()
    assert drawn == DRAWS


def test_an_error_above_the_tolerance_is_seen(golden):
    kept = golden.arrays["clap_text"].reshape(4, 512)
    assert golden.error("clap_text", kept) <= 1e-9
    assert golden.error("clap_text", kept * (1 + 2 * TOLERANCE)) > TOLERANCE
    assert golden.error("clap_text", kept[::-1]) > TOLERANCE
    with pytest.raises(AssertionError, match="the original gives"):
        golden.error("clap_text", kept[:2])


@pytest.mark.parametrize(("rate_in", "rate_out"), inputs.RATES)
def test_resampler(golden, rate_in, rate_out):
    ours = audio.resample(inputs.white(rate_in), rate_in, rate_out)
    assert golden.error(f"resample_{rate_in}_{rate_out}", ours) <= TOLERANCE


def test_from_a_file_to_its_log_mel(golden, config, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "x.wav", inputs.sound(), inputs.SOUND_RATE, subtype="FLOAT")
    found, rate = audio.read(tmp_path / "x.wav")
    rate_out = config["audio"]["sample_rate"]
    ready = prepare(audio.resample(found, rate, rate_out), round(10.24 * rate_out))
    assert golden.error("waveform", ready) <= TOLERANCE
    log_mel = LogMel(rate_out, **config["mel"])(torch.from_numpy(ready)[None])[0]
    assert golden.error("log_mel", log_mel) <= TOLERANCE
    assert np.all(log_mel[710:].numpy() == np.log(np.float32(1e-5)))  # zeros after 7 s
