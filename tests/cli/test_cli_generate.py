"""`generate`: sounds of prompts by a checkpoint, found with its models, the same every time."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import soundfile
import torch
import yaml
from generate_world import STEP, write_study

from audioldm_bench.cli import checkpoint as known
from audioldm_bench.cli.generate import slugs
from audioldm_bench.cli.main import main
from audioldm_bench.files import read_json
from config_cases import ROOT

DOG, RAIN, SIREN = "a dog barking", "Rain, on a roof!", "siren"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    torch.set_num_threads(1)
    return write_study(tmp_path_factory.mktemp("place") / "results" / "own")


@pytest.fixture
def generate(study, tmp_path, monkeypatch, capfd):
    """Runs the command in an empty folder; code, out, err."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, checkpoint=study / STEP) -> SimpleNamespace:
        code = main(["generate", *map(str, arguments), "--checkpoint", str(checkpoint)])
        said = capfd.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return run


def program(*arguments: object, folder) -> subprocess.CompletedProcess:
    """The program as a process of its own: what libraries write past Python is seen too."""
    return subprocess.run(
        [sys.executable, "-m", "audioldm_bench", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def made(study, tmp_path_factory):
    """The sounds of three prompts, of two on the command line and one in a file."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "prompts.txt").write_text(f"\n{SIREN}\n{DOG}\n\n", encoding="utf-8")
    more = ("--prompts", "prompts.txt", "--checkpoint", study / STEP)
    done = program("generate", DOG, RAIN, *more, folder=folder)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(out=done.stdout, err=done.stderr, folder=folder / "generated")


def test_a_wav_of_each_prompt_and_what_made_them(made, study):
    names = ["a-dog-barking.wav", "rain-on-a-roof.wav", "siren.wav"]
    assert sorted(path.name for path in made.folder.iterdir()) == [
        names[0],
        "clips.json",
        *names[1:],
    ]
    for name in names:
        sound, rate = soundfile.read(made.folder / name)
        assert rate == 16000 and len(sound) == 8000 and abs(sound).max() > 0
    about = read_json(made.folder / "clips.json")
    assert about["prompts"] == {"a-dog-barking": DOG, "rain-on-a-roof": RAIN, "siren": SIREN}
    assert about["system"] == "pretrained-text-0000040" and about["dataset"] == "esc50"
    # as the study samples this checkpoint, not as the paper
    assert (about["steps"], about["candidates"], about["generated_duration"]) == (4, 2, 0.5)
    assert about["n"] == 3 and about["seed"] == 0 and about["precision"] == "fp32"
    assert about["models"]["vae"] == str(study / "models" / "vae")
    for name, choice in about["choices"].items():
        best = max(choice["scores"])
        assert choice["scores"][choice["chosen"]] == best and len(choice["scores"]) == 2
        row = next(line for line in made.out.splitlines() if line.startswith(f"{name}.wav"))
        assert about["prompts"][name] in row and row.endswith(f"{best:.3f}")


def test_nothing_is_said_but_by_us(made):
    assert all(line.startswith("[generate] ") for line in made.err.splitlines()), made.err
    assert "12/12 steps 100%" in made.err and "repeated prompts: 1;" in made.err


def test_scoring_them_by_clap_says_nothing_but_ours_either(made, study, tmp_path):
    prompts = read_json(made.folder / "clips.json")["prompts"]
    rows = "".join(f'{name}.wav,"{prompt}"\n' for name, prompt in prompts.items())
    (tmp_path / "captions.csv").write_text(f"file,caption\n{rows}")
    real = shutil.copytree(made.folder, tmp_path / "real")
    done = program(
        *("evaluate", made.folder, real, "--metrics", "clap_score", "fd_clap"),
        *("--captions", "captions.csv", "--backbone-weights", f"clap={study / 'models' / 'clap'}"),
        *("--cache", "cache", "--out", "scores"),
        folder=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert all(re.match(r"\[[\w -]+\] ", line) for line in done.stderr.splitlines()), done.stderr
    assert "[metrics] 2/2 metrics 100%" in done.stderr


def test_the_same_bytes_in_other_company_and_batches(made, generate, tmp_path):
    for number, prompts in enumerate([(RAIN,), (SIREN, RAIN), (RAIN, "wind", DOG, SIREN)]):
        assert generate(*prompts, "--out", f"o{number}", "--batch", number + 1).code == 0
        there = (tmp_path / f"o{number}" / "rain-on-a-roof.wav").read_bytes()
        assert there == (made.folder / "rain-on-a-roof.wav").read_bytes()
    assert generate(RAIN, "--out", "other", "--seed", 1).code == 0
    assert (tmp_path / "other" / "rain-on-a-roof.wav").read_bytes() != there


def test_nothing_is_overwritten_and_a_folder_keeps_one_kind_of_sounds(generate, tmp_path):
    assert generate(DOG).code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "generated").iterdir()}
    done = generate(RAIN, DOG)
    assert done.code == 1 and "a-dog-barking.wav: is there already" in done.err
    done = generate(RAIN, "--seed", 3)
    assert done.code == 1 and "made otherwise (seed)" in done.err
    assert {path: path.read_bytes() for path in (tmp_path / "generated").iterdir()} == before
    assert generate(RAIN).code == 0  # other prompts, made the same way, come to the others
    about = read_json(tmp_path / "generated" / "clips.json")
    assert about["n"] == 2 and set(about["choices"]) == set(about["prompts"])


def test_an_interruption_leaves_whole_sounds_and_their_record(generate, tmp_path, monkeypatch):
    from audioldm_bench import audio

    write, written = audio.write, []

    def stops(path, *rest):
        if written:
            raise KeyboardInterrupt
        written.append(write(path, *rest))

    monkeypatch.setattr(audio, "write", stops)
    done = generate(DOG, RAIN)
    assert done.code == 130 and "sounds that are whole are kept" in done.err
    assert sorted(p.name for p in (tmp_path / "generated").iterdir()) == [
        "a-dog-barking.wav",
        "clips.json",
    ]
    assert read_json(tmp_path / "generated" / "clips.json")["prompts"] == {"a-dog-barking": DOG}


def test_options_go_before_the_studys_settings(generate, tmp_path):
    more = ("--seconds", 0.25, "--candidates", 1, "--guidance", 1, "--sampler", "dpm_solver_pp")
    assert generate(DOG, *more, "--steps", 3).code == 0
    about = read_json(tmp_path / "generated" / "clips.json")
    assert (about["sampler"], about["steps"], about["eta"]) == ("dpm_solver_pp", 3, 0.0)
    assert (about["candidates"], about["guidance_scale"]) == (1, 1.0)
    assert len(soundfile.read(tmp_path / "generated" / "a-dog-barking.wav")[0]) == 4000


def test_the_papers_settings_are_those_of_the_config():
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    assert config["diffusion"] == known.DIFFUSION
    assert {key: config["sampling"][key] for key in known.SAMPLING} == known.SAMPLING
    assert known.choose_sampling(
        {"steps": None, "sampler": "dpm_solver_pp"}, {}
    ) == known.SAMPLING | {
        "sampler": "dpm_solver_pp",
        "steps": 25,
        "eta": 0.0,
    }
    assert config["datasets"]["esc50"]["generated_duration"] == known.DURATION


def test_models_are_found_around_every_kind_of_checkpoint(study, tmp_path):
    assert known.find_checkpoint(study / "models" / "unet").system == "baseline-text"
    whole = known.find_checkpoint(study / "models")  # a folder with unet/, vae/ ... in it
    assert whole.folders["clap"] == study / "models" / "clap"
    bare = shutil.copytree(study / STEP, tmp_path / "bare")
    assert known.find_checkpoint(bare, study / "models").folders["unet"] == bare
    with pytest.raises(known.UserError, match="no vae model for this checkpoint.*--models"):
        known.find_checkpoint(bare)


def test_a_study_of_a_published_model_finds_it_among_several(study, tmp_path):
    own = tmp_path / "results" / "paper"
    step = shutil.copytree(study / STEP, own / STEP)
    resources = tmp_path / "resources" / "models"
    shutil.copytree(study / "models", resources / "audioldm-s")
    assert known.find_checkpoint(step).folders["vae"] == resources / "audioldm-s" / "vae"
    shutil.copytree(study / "models", resources / "audioldm-m")
    weights = resources / "audioldm-m" / "unet" / known.WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(known.UserError, match="which model did .* start from"):
        known.find_checkpoint(step)
    baseline = own / "systems" / "esc50" / "baseline-text"
    baseline.mkdir(parents=True)
    record = {"sampler": "ddim", "checkpoint_sha256": known.file_sha256(weights)}
    (baseline / "clips.json").write_text(json.dumps(record))
    assert known.find_checkpoint(step).folders["vae"] == resources / "audioldm-m" / "vae"


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("runs/esc50/pretrained-text/step-0000041", "name one of these steps: .*step-0000040$"),
        ("runs/esc50/pretrained-text", "name one of these steps: .*step-0000040$"),
        ("runs/esc50/pretrained-txt/step-0000040", "no such folder; name one .*step-0000040$"),
        ("runs/esc50", "no UNet's config.json there; name one of these steps: .*step-0000040$"),
        ("runs", "name one of these steps: .*step-0000040$"),
        ("", "name one of these steps: .*step-0000040$"),
        ("..", "name one of these steps: .*own/runs/esc50/pretrained-text/step-0000040$"),
        ("nowhere", "there is no such folder; name one of these steps: .*step-0000040$"),
        ("models/vea", r"no such folder; did you mean vae\? correct the path \(looked at .*/vea\)"),
        ("systems", "no UNet's config.json there; name a step of a run .results/<study>/runs/"),
        ("models/vae", "is a AutoencoderKL, not a UNet2DConditionModel"),
        ("models/vae/config.json", "is a file; name a folder"),
    ],
)
def test_what_is_no_checkpoint_is_named(study, place, sentence):
    with pytest.raises(known.UserError, match=sentence):
        known.find_checkpoint(study / place)


def test_the_last_step_of_each_run_is_named(tmp_path):
    """Of the miniature's twelve runs and more: in the order of their names."""
    runs = [tmp_path / "runs" / data / f"run-{n}" for data in "abcd" for n in range(4)]
    for run in runs:
        for step in (40, 80, 120):
            (run / f"step-{step:07d}").mkdir(parents=True)
    with pytest.raises(known.UserError) as refused:
        known.find_checkpoint(tmp_path)
    named = str(refused.value).partition("these steps: ")[2]
    assert named == ", ".join(f"{run}/step-0000120" for run in runs[:12]) + " and 4 more runs"


def test_too_many_steps_are_found_before_anything_is_loaded(generate, tmp_path, monkeypatch):
    monkeypatch.setattr("audioldm_bench.cli.generate.file_sha256", None)  # of the UNet
    done = generate(DOG, "--steps", 5000)
    assert done.err == "audioldm-bench: --steps 5000: must be from 1 to 999 (docs/sampling.md)\n"
    assert done.code == 1 and list(tmp_path.iterdir()) == []


def test_a_folder_is_made_with_its_first_sound(generate, study, tmp_path):
    wide = shutil.copytree(study / STEP, tmp_path / "wide")
    (wide / known.WEIGHTS).write_bytes(b"no weights")
    done = generate(DOG, "--models", study / "models", checkpoint=wide)
    assert done.code == 1 and "wide" in done.err, done.err
    assert not (tmp_path / "generated").exists()


def test_a_mistake_is_a_sentence_and_the_code_says_whose(generate, tmp_path):
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    for arguments, code, sentence in (
        ((), 2, "no prompt"),
        ((DOG, "--steps", 0), 2, "'0' must be a whole number of at least 1"),
        ((DOG, "--seconds", "long"), 2, "'long' must be a number from 0.1 to 120"),
        ((DOG, "--seconds", "1e5"), 2, "'1e5' must be a number from 0.1 to 120"),
        ((DOG, "--candidates", 10**8), 2, "must be a whole number from 1 to 100"),
        ((DOG, "--guidance", "1e9"), 2, "'1e9' must be a number from 0 to 1000"),
        ((DOG, "--batch", 10**8), 2, "must be a whole number from 1 to 1000"),
        (("a \udcff",), 1, "the prompt 'a \ufffd' is not UTF-8 text; name a file that is"),
        ((DOG, "--sampler", "euler"), 2, "invalid choice"),
        ((DOG, "--steps", 1000), 1, "must be from 1 to 999"),
        (("--prompts", "empty.txt"), 1, "empty.txt: no prompt in it"),
        (("--prompts", "latin.txt"), 1, "latin.txt: is not UTF-8 text"),
        (("--prompts", "absent.txt"), 1, "absent.txt: No such file"),
        ((DOG, "--models", "absent"), 1, "--models absent: there is no such folder"),
        ((DOG, "--out", "empty.txt"), 1, "empty.txt"),
        ((DOG, "--out", "o\udcff"), 1, "o\ufffd...: this name is not UTF-8; rename the file or"),
    ):
        done = generate(*arguments)
        assert done.code == code and sentence in done.err, (arguments, done.err)
        assert "Traceback" not in done.err
    assert not (tmp_path / "generated").exists()


def test_memory_that_does_not_suffice_is_a_sentence(generate, monkeypatch):
    monkeypatch.setattr("audioldm_bench.cli.bounds.SECONDS", (0.1, 1e12))
    done = generate(DOG, "--seconds", "1e12")
    assert done.code == 1 and "Traceback" not in done.err
    sentence = "the memory does not suffice for this: lower --candidates or --seconds"
    assert done.err.splitlines()[-1] == f"audioldm-bench: {sentence}"


def test_models_that_do_not_fit_are_refused(generate, study, tmp_path):
    from audioldm_bench.diffusion.unet import build_unet, save_unet
    from diffusion.diffusion_world import UNET

    save_unet(build_unet(UNET), tmp_path / "wide")
    done = generate(DOG, "--models", study / "models", checkpoint=tmp_path / "wide")
    assert done.code == 1 and "reads embeddings of 12 numbers" in done.err


def test_a_prompt_longer_than_clap_reads_is_said(generate):
    done = generate("a dog barks and rain falls on a roof " * 4)
    assert done.code == 0 and "CLAP reads 16 of its" in done.err


def test_names_of_files():
    found = slugs(["A dog!", "a dog", "狗叫", "...", "x" * 300, "é" * 300, "a/b\\c"])
    assert list(found.values())[:4] == ["a-dog", "a-dog-2", "狗叫", "prompt"]
    assert found["a/b\\c"] == "a-b-c"
    assert all(len(name.encode()) <= 200 for name in found.values())
