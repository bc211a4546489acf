"""What the trainings are made of: corpus, targets, texts, the tokenizer's folder."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import yaml
from component_world import AUDIO

from audioldm_bench.components.clap import agreement, contrast, wording
from audioldm_bench.components.cnn import targets
from audioldm_bench.components.corpus import Clip, Corpus, random_crops, spread
from audioldm_bench.components.job import thin, warm_cosine
from audioldm_bench.components.vocoder import spectral_loss
from audioldm_bench.errors import UserError
from audioldm_bench.files import read_json
from audioldm_bench.synthetic.families import FAMILIES
from audioldm_bench.tokenizer import load_tokenizer

MINI = Path(__file__).parents[2] / "config" / "mini.yaml"


def test_corpus_splits_clips_and_pads_them(world):
    with Corpus(world.audio, world.manifest, AUDIO) as corpus:
        assert len(corpus.train) == 24 and len(corpus.heldout) == 12, (
            "the clip without audio counts"
        )
        assert corpus.labels == ["Hiss", "Tick", "Tone"]
        waveforms = corpus.waveforms(corpus.train[4:6])
        assert waveforms.shape == (2, 10240)
        assert not waveforms[:, 6400:].any() and waveforms.abs().max() == pytest.approx(0.5)
        torch.manual_seed(0)
        assert len({clip.clip_id for clip in corpus.draw(24)}) == 24
        assert len(corpus.draw(50)) == 50


def test_corpus_without_training_clips_is_refused(world, tmp_path):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(world.manifest.read_text().replace(",train", ",evaluation"))
    with pytest.raises(UserError, match="split train"):
        Corpus(world.audio, manifest, AUDIO)


def test_agreement_is_the_share_of_common_tags():
    clips = [Clip("a", "x", ("Dog",)), Clip("b", "y", ("Dog", "Rain")), Clip("c", "z", ())]
    assert agreement(clips[:1], clips).tolist() == [[1.0, 0.5, 0.0]]
    assert agreement(clips, clips)[2].tolist() == [0.0, 0.0, 1.0]
    assert agreement([Clip("a", "it rains", ())], [Clip("b", "it rains", ())]).tolist() == [[1.0]]


def testcontrast_is_least_where_similarity_follows_the_target():
    target = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.5, 0.5]])
    log_scale = torch.tensor(100.0).log()
    like = contrast(torch.tensor([[1.0, 0.0], [0.3, 0.9], [0.5, 0.5]]), target, log_scale)
    unlike = contrast(torch.tensor([[0.0, 1.0], [0.3, 0.9], [0.0, 1.0]]), target, log_scale)
    assert like.item() == pytest.approx(math.log(2) / 2, abs=1e-6), "row 2 matches nothing"
    assert unlike > 10 * like


def test_targets_spread_a_clip_over_its_known_labels():
    clips = [Clip("a", "", ("B", "A")), Clip("b", "", ("B", "?")), Clip("c", "", ())]
    assert targets(clips, ["A", "B"]).tolist() == [[0.5, 0.5], [0.0, 1.0], [0.0, 0.0]]


def test_wording_draws_from_templates_and_sentences():
    settings = {
        "templates": ["{caption}", "sound of {label}"],
        "wordings": {"Bark": ["a dog barks"], "Rain": ["it rains"]},
        "wording_share": 0.5,
        "joiners": [" while "],
    }
    torch.manual_seed(0)
    both = Clip("a", "Bark, Rain", ("Bark", "Rain"))
    seen = {wording(both, settings) for _ in range(200)}
    assert {"Bark, Rain", "bark, rain", "sound of Bark, Rain"} <= seen
    assert {"a dog barks while it rains", "it rains while a dog barks"} <= seen
    unknown = Clip("b", "Wind", ("Wind",))  # no sentences for it: templates alone
    assert {wording(unknown, settings).lower() for _ in range(50)} == {"wind", "sound of wind"}


def test_random_crops_are_stretches_of_their_rows():
    torch.manual_seed(0)
    rows = torch.arange(40.0).reshape(2, 20)
    crops, starts = random_crops(rows, 5)
    for row, crop, start in zip(rows, crops, starts.tolist(), strict=True):
        assert torch.equal(crop, row[start : start + 5])
    assert random_crops(rows, 20)[1].tolist() == [0, 0]


def test_spread_takes_evenly():
    assert spread(list("abcdefghi"), 3) == ["a", "e", "i"]
    assert spread(list("ab"), 3) == ["a", "b"]


def test_learning_rate_rises_then_falls():
    rates = [warm_cosine(i, 100) for i in range(100)]
    assert rates[0] == pytest.approx(0.2) and max(rates) == 1 and rates.index(1) in (4, 5)
    assert rates[5:] == sorted(rates[5:], reverse=True) and 0 < rates[-1] < 0.05


def test_thinned_losses_keep_both_ends():
    kept = thin([{"step": i, "loss": 1.0 / (i + 1)} for i in range(1001)])
    assert len(kept) <= 200 and kept[0] == [0, 1.0] and kept[-1][0] == 1000
    assert thin([{"step": 0, "loss": 2.0}]) == [[0, 2.0]] and thin([]) == []


def test_spectral_loss_is_zero_for_equal_sounds_and_finite_for_silence():
    sound = torch.randn(1, 2000)
    assert spectral_loss(sound, sound, 256).item() == 0
    silence = torch.zeros(1, 2000, requires_grad=True)
    loss = spectral_loss(silence, sound, 256)
    loss.backward()
    assert loss > 1 and torch.isfinite(silence.grad).all()


def test_tokenizer_folder_reads_captions_and_wordings(world):
    folder = world.folder / "tokenizer"
    assert read_json(folder / "quality.json")["figures"][0]["n"] >= 6
    assert len(load_tokenizer(folder)) <= 280


def test_words_of_the_miniature_are_those_of_its_sounds():
    wordings = yaml.safe_load(MINI.read_text())["models"]["trained"]["clap"]["wordings"]
    for family in FAMILIES.values():
        told = set(wordings[family.audioset[1]])
        names = {n[0].replace("_", " ") for n in (family.esc50, family.urbansound8k) if n}
        assert told >= {*family.clauses, *family.phrases, *names}, family.name
