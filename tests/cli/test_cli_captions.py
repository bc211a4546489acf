"""Captions: read from a csv, embedded once by CLAP, and compared with the generated clips."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audioldm_bench.clap_front_end import write_front_end
from audioldm_bench.cli.captions import read_captions
from audioldm_bench.components.clap import build_clap
from audioldm_bench.tokenizer import train_tokenizer
from tiny_clap import FRONT_END, SIZES

WORDS = ["a dog barks", "rain falls", "a bell"]


@pytest.fixture(scope="module")
def clap(tmp_path_factory):
    """A CLAP folder with random weights."""
    folder = tmp_path_factory.mktemp("clap")
    train_tokenizer(WORDS, folder, 270)
    torch.manual_seed(0)
    build_clap(SIZES, FRONT_END, folder).model.save_pretrained(folder)
    write_front_end(folder, FRONT_END)
    return folder


@pytest.mark.parametrize(
    "text",
    [
        "file,caption\na.wav,a dog\nb.flac,rain\n",
        "caption,clip_id,more\na dog,a,1\nrain,b,2\n",
        "\ufeffFile_Name,Text\nsounds/a.mp3,a dog\nC:\\sounds\\b.ogg,rain\nb,rain\n",
    ],
)
def test_captions_are_read_by_clip(tmp_path, text):
    path = tmp_path / "captions.csv"
    path.write_text(text, encoding="utf-8")
    assert read_captions(path) == {"a": "a dog", "b": "rain"}


def test_names_with_dots_keep_them(tmp_path):
    path = tmp_path / "captions.csv"
    path.write_text("name,caption\nYabc.10.5,a dog\nYabc.10.6.wav,rain\n")
    assert set(read_captions(path)) == {"Yabc.10.5", "Yabc.10.6"}


@pytest.fixture
def captions(tmp_path):
    path = tmp_path / "captions.csv"
    rows = [f"clip-{number:02d}.wav,{WORDS[number % 3]}" for number in range(15)]
    path.write_text("\n".join(["file,caption", *rows]) + "\n")
    return ["--captions", str(path)]


def test_the_clap_score_is_the_mean_cosine(world, evaluated, clap, captions):
    given = [*captions, "--backbone-weights", f"clap={clap}"]
    done = evaluated(world.good, world.real, *given, "--metrics", "clap_score")
    found = done.record["values"]["clap_score_clap"]
    assert found["low"] <= found["value"] <= found["high"]
    assert "CLAP score ↑" in done.out and len(done.csv[0]["weights_sha256"]) == 64

    from audioldm_bench import audio
    from audioldm_bench.clap import load_clap

    model = load_clap(clap)
    cosines = []
    for number in range(12):
        samples, rate = audio.read(world.good / f"clip-{number:02d}.flac")
        heard = audio.fit(samples - samples.mean(), 2 * rate)  # minimum_duration
        sound = model.embed_audio([heard], rate)[0]
        cosines.append(float(sound @ model.embed_text([WORDS[number % 3]])[0]))
    assert found["value"] == pytest.approx(np.mean(cosines), abs=1e-4)

    def refuse(*_):
        raise AssertionError("CLAP was loaded again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("audioldm_bench.clap.load_clap", refuse)
        again = evaluated(world.good, world.real, *given, "--unpaired", "--metrics", "clap_score")
    assert again.record["values"]["clap_score_clap"]["value"] == pytest.approx(found["value"])


def test_captions_add_the_clap_score_to_the_defaults(world, evaluated, clap, captions):
    done = evaluated(
        world.good, world.real, *captions, "--backbone-weights", f"clap={clap}", "--bootstrap", "0"
    )
    assert list(row["metric"] for row in done.csv)[-1] == "clap_score_clap" and len(done.csv) == 5
