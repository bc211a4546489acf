"""A user's mistake is one sentence that names it and its cure; never a traceback."""

from __future__ import annotations

import os
import shutil

import pytest
import torch
from cli_world import write_clips

from audioldm_bench.cli.choice import Options
from audioldm_bench.errors import UserError


def refused(done, *words):
    assert done.code == 1, (done.code, done.out, done.err)
    *progress, sentence = done.err.splitlines()
    assert sentence.startswith("audioldm-bench: ")
    assert all(line.startswith("[") for line in progress)
    for word in words:
        assert str(word) in sentence
    assert done.out == ""


def test_folders_that_cannot_be_scored(world, call, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    single = write_clips(tmp_path / "single", [0])
    strangers = write_clips(tmp_path / "strangers", [50, 51])
    link = tmp_path / "link"
    link.symlink_to(world.real)
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("clip-00.wav", "clip-01.wav"):
        (broken / name).write_text("no sound")
    twice = write_clips(tmp_path / "twice", [0, 1])
    write_clips(twice, [1], suffix="flac")
    cases = [
        ("absent", "there is no such folder"),
        ("file", "is a file"),
        ("empty", "no sound files"),
        (single, "1 clip(s) of the same name", "--unpaired"),
        (strangers, "0 clip(s) of the same name", "clip-50", "clip-00", "--unpaired"),
        (link, "are the same folder"),
        (world.real, "are the same folder"),
        (twice, "clip-01.flac and clip-01.wav"),
        (broken, "none of 2 clips can be used", "clip-00: unreadable"),
    ]
    for folder, *words in cases:
        refused(call("evaluate", folder, world.real), *words)
        if folder not in (link, world.real, broken):
            assert not list(tmp_path.glob("*-metrics")), "nothing is made before the inputs hold"
    refused(call("evaluate", world.real, "absent"), "absent", "no such folder")
    refused(call("evaluate", broken, world.real, "--unpaired"), "none of 2 clips can be used")


def test_pairs_of_which_too_few_are_sounds(world, call, tmp_path):
    folder = write_clips(tmp_path / "one", [0])
    (folder / "clip-01.wav").write_text("no sound")
    done = call("evaluate", folder, world.real)
    refused(done, "1 pair(s) of clips can be used", "clip-01 of generated (unreadable")
    assert ".h5" not in done.err, "files of the cache say nothing to a user"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--metrics", "fid"], ["fid", "full name"]),
        (["--metrics", "fd_resnet"], ["unknown backbone 'resnet'", "tagger"]),
        (["--metrics", "is_embedder"], ["embedder gives no classes"]),
        (["--metrics", "clap_score"], ["--captions"]),
        (["--metrics", "clap_score_tagger"], ["only clap"]),
        (["--metrics", "kl", "--unpaired"], ["leaves nothing to compute"]),
        (["--backbones", "resnet"], ["unknown backbone 'resnet'"]),
        (["--bootstrap", "1"], ["--bootstrap 1: 0, or 2 to 10000 replicates"]),
        (["--backbone-weights", "tagger"], ["NAME=PATH"]),
        (["--backbone-weights", "resnet=x"], ["unknown backbone 'resnet'"]),
        (["--backbone-weights", "vggish=nothing.pth"], ["vggish=nothing.pth", "no such file"]),
        (["--captions", "absent.csv"], ["absent.csv"]),
    ],
)
def test_options_that_cannot_be_met(world, call, asked, words):
    refused(call("evaluate", world.good, world.real, *asked), *words)


def test_weights_of_another_network(world, call):
    weights = ["--backbone-weights", f"tagger={world.real}", f"embedder={world.embedder}"]
    refused(call("evaluate", world.good, world.real, *weights, weights=False), "config.json")
    clip = world.real / "clip-00.wav"
    (world.root / "half").mkdir()
    shutil.copy(world.tagger / "config.json", world.root / "half")
    for name, path, words in [
        ("tagger", clip, "no config.json there; name the folder of a trained one"),
        ("tagger", world.root / "half", "no model.safetensors there"),
        ("vggish", world.tagger, "is a folder; name the file"),
    ]:
        given = ["--metrics", f"fd_{name}", "--backbone-weights", f"{name}={path}"]
        done = call("evaluate", world.good, world.real, *given, weights=False)
        refused(done, f"{name}={path}", words)
        assert "delete" not in done.err, "it is the user's"
    weights = ["--metrics", "fd", "--backbone-weights", f"efficientat_mn04={clip}"]
    done = call("evaluate", world.good, world.real, *weights, weights=False)
    refused(done, "clip-00.wav: not the weights of Mn04")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,label\nclip-00.wav,dog\n", ["no column of captions", "file, label"]),
        ("one,caption\nclip-00.wav,dog\n", ["no column of clips"]),
        ("", ["no column of clips", "none"]),
        ("file,caption\nclip-00.wav,dog\nx/clip-00.flac,cat\n", ["row 3", "two captions"]),
        ("file,caption\nclip-00.wav,\n", ["row 2", "empty"]),
        ("file,caption\nclip-00.wav,a dog\n", ["no caption of clip-01, clip-02", "(11 in all)"]),
    ],
)
def test_captions_that_do_not_fit(world, call, tmp_path, text, words):
    path = tmp_path / "captions.csv"
    path.write_text(text)
    refused(call("evaluate", world.good, world.real, "--captions", path), "captions.csv", *words)
    path.write_bytes(b"file,caption\nclip-00.wav,\xff\n")
    refused(call("evaluate", world.good, world.real, "--captions", path), "UTF-8")


def test_outputs_that_cannot_be_written(world, call, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    scored = ("evaluate", world.good, world.real)
    refused(call(*scored, "--out", "file"), "--out file", "is a file")
    refused(
        call(*scored, "--out", "file/below"), "--out file/below: ", "file is a file; name a folder"
    )
    refused(call(*scored, "--cache", "file"), "file")
    refused(
        call(*scored, "--out", "new", "--metrics", "fd_vggish", "--offline"), "not in the cache"
    )
    assert not (tmp_path / "new").exists(), "it is made with its first file"
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    refused(call(*scored, "--out", "closed"), "--out closed", "cannot be written to")


def test_comparisons_that_cannot_be_made(world, call, tmp_path):
    against = ["--reference", world.real]
    refused(call("compare", world.good, *against), "two systems or more")
    refused(call("compare", world.good, world.good, *against), "two systems named 'good'")
    refused(call("compare", world.good, world.real, *against), "are the same folder")
    again = f"again={world.good}"
    refused(call("compare", world.good, again, *against), "are the same folder")
    both = ("compare", world.good, world.bad, *against)
    refused(call(*both, "--rank-by", "fd_vggish"), "--rank-by fd_vggish", "fd_tagger")
    apart = shutil.copytree(world.bad, tmp_path / "apart")
    for path in list(apart.iterdir())[:-1]:
        path.unlink()
    refused(call("compare", world.good, apart, *against), "1 clip(s) of the same name")


@pytest.mark.parametrize("value", ["0", "0.00001", "nan", "1e12", "long"])
def test_a_duration_out_of_bounds_is_wrong_usage(world, call, value):
    done = call("evaluate", world.good, world.real, "--duration", value)
    assert done.code == 2 and f"'{value}' must be a number from 0.1 to 600" in done.err


@pytest.mark.parametrize("value", ["-1", "1000000000000", "1e12"])
def test_replicates_out_of_bounds_are_wrong_usage(world, call, value):
    done = call("evaluate", world.good, world.real, f"--bootstrap={value}")
    assert done.code == 2 and f"'{value}' must be a whole number from 0 to 10000" in done.err


@pytest.mark.parametrize(
    "wrong", [{"duration": 1e12}, {"duration": 0.0}, {"replicates": 10**12}, {"replicates": -1}]
)
def test_the_bounds_are_those_of_python_too(wrong):
    with pytest.raises(UserError, match="0.1 to 600 seconds|0, or 2 to 10000 replicates"):
        Options(**wrong).check()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    ],
)
def test_memory_that_does_not_suffice_is_a_sentence(world, call, monkeypatch, error):
    def estimate(*_, **__):
        raise error

    monkeypatch.setattr("audioldm_bench.cli.folders.estimate", estimate)
    done = call("evaluate", world.good, world.real)
    refused(done, "the memory does not suffice for this: cut the clips by --duration")


def test_names_that_are_no_text_are_refused(world, call, tmp_path):
    folder = tmp_path / os.fsdecode(b"a\xff")
    clips = shutil.copytree(world.good, tmp_path / "clips")
    try:
        shutil.copytree(world.good, folder)
        (clips / "clip-00.flac").rename(clips / os.fsdecode(b"\xff.flac"))
    except OSError:
        pytest.skip("this file system takes no such names")
    for generated in (folder, clips):
        done = call("evaluate", generated, world.real)
        refused(done, "is not UTF-8; rename")
        assert "[" not in done.err, "before any work"


def test_another_error_of_the_program_keeps_its_traceback(world, call, monkeypatch):
    def estimate(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr("audioldm_bench.cli.folders.estimate", estimate)
    with pytest.raises(RuntimeError, match="a bug"):
        call("evaluate", world.good, world.real)


@pytest.mark.parametrize("arguments", [[], ["evaluate"], ["evaluate", "a"], ["sing", "a"]])
def test_wrong_arguments_end_with_2_and_the_usage(call, arguments):
    done = call(*arguments, weights=False)
    assert done.code == 2 and "usage: audioldm-bench" in done.err
