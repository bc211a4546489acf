"""The tokenizer: trained, saved as RoBERTa's files, and never the silent one of five tokens."""

from __future__ import annotations

import json

import pytest

from audioldm_bench.errors import UserError
from audioldm_bench.tokenizer import load_tokenizer, train_tokenizer

CAPTIONS = ["a dog barks", "Rain falls on a roof", "a dog barks while rain falls", "ein Hund bellt"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(CAPTIONS * 3, folder, 300)
    return folder


def test_ids_are_roberta_s(folder):
    tokenizer = load_tokenizer(folder)
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>"]) == [0, 1, 2, 3]
    assert tokenizer.mask_token_id == len(tokenizer) - 1
    assert tokenizer("")["input_ids"] == [0, 2]
    ids = tokenizer("a dog barks")["input_ids"]
    assert ids[0] == 0 and ids[-1] == 2 and len(ids) < 2 + len("a dog barks"), "nothing was merged"


def test_any_text_comes_back(folder):
    tokenizer = load_tokenizer(folder)
    for text in (*CAPTIONS, "über 7 glass-breaking 🐕"):
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text


def test_padding_is_masked(folder):
    batch = load_tokenizer(folder)(["a dog barks", ""], padding=True)
    assert batch["input_ids"][1][:2] == [0, 2] and set(batch["input_ids"][1][2:]) == {1}
    assert sum(batch["attention_mask"][1]) == 2


def test_transformers_finds_the_same_tokenizer(folder):
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(folder)(CAPTIONS) == load_tokenizer(folder)(CAPTIONS)


def test_order_of_captions_changes_no_byte(folder, tmp_path):
    train_tokenizer(reversed(CAPTIONS * 3), tmp_path, 300)
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()


def test_vocabulary_without_room_for_the_bytes_is_refused(tmp_path):
    with pytest.raises(UserError, match="vocab_size is 200"):
        train_tokenizer(CAPTIONS, tmp_path, 200)


def test_missing_files_are_refused_not_replaced_by_five_tokens(tmp_path, folder):
    with pytest.raises(UserError, match=r"vocab\.json is missing"):
        load_tokenizer(tmp_path)
    (tmp_path / "vocab.json").write_bytes((folder / "vocab.json").read_bytes())
    with pytest.raises(UserError, match=r"merges\.txt is missing"):
        load_tokenizer(tmp_path)


def _copy(folder, target, vocabulary):
    (target / "merges.txt").write_bytes((folder / "merges.txt").read_bytes())
    (target / "vocab.json").write_text(json.dumps(vocabulary))


def test_other_special_ids_are_refused(folder, tmp_path):
    vocabulary = json.loads((folder / "vocab.json").read_text())
    vocabulary["<s>"], vocabulary["<pad>"] = 1, 0
    _copy(folder, tmp_path, vocabulary)
    with pytest.raises(UserError, match=r"<s> has id 1, not 0; <pad> has id 0, not 1"):
        load_tokenizer(tmp_path)


def test_five_tokens_are_refused(folder, tmp_path):
    _copy(folder, tmp_path, {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4})
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(UserError, match="fewer than the bytes"):
        load_tokenizer(tmp_path)


def test_another_size_than_the_text_model_is_refused(folder):
    with pytest.raises(UserError, match="but the text model embeds 50265"):
        load_tokenizer(folder, 50265)
