"""RoBERTa's byte-level BPE tokenizer: trained here, or read and checked.

Transformers builds a tokenizer of five tokens, without a word, when its files are not found; every
caption then embeds alike. So nothing in this project loads a tokenizer but `load_tokenizer`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError
from .files import write_atomically, write_json

if TYPE_CHECKING:
    from transformers import RobertaTokenizer

SPECIAL_IDS = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
MASK = "<mask>"  # the last id, as in RoBERTa
SMALLEST_VOCABULARY = len(SPECIAL_IDS) + 256 + 1  # special tokens, all bytes, the mask
FILES = ("vocab.json", "merges.txt")


def train_tokenizer(captions: Iterable[str], folder: Path, vocab_size: int) -> None:
    """Train a byte-level BPE on `captions` and save it as RoBERTa's files in `folder`.

    The vocabulary has at most `vocab_size` entries (fewer where the captions hold fewer pairs),
    special ids as RoBERTa's. UserError if `vocab_size` has no room for the 256 bytes.
    """
    from tokenizers import ByteLevelBPETokenizer

    if vocab_size < SMALLEST_VOCABULARY:
        raise UserError(
            f"models.trained.tokenizer.vocab_size is {vocab_size}: a byte-level vocabulary needs "
            f"at least {SMALLEST_VOCABULARY} entries"
        )
    trainer = ByteLevelBPETokenizer()
    # One entry is kept for the mask, which RoBERTa has at the end. Sorted: the counts, and so the
    # merges, do not depend on the order in which captions arrive.
    trainer.train_from_iterator(
        sorted(captions),
        vocab_size=vocab_size - 1,
        min_frequency=2,
        special_tokens=list(SPECIAL_IDS),
        show_progress=False,
    )
    model = json.loads(trainer.to_str())["model"]
    vocabulary = dict(sorted(model["vocab"].items(), key=lambda entry: entry[1]))
    vocabulary[MASK] = len(vocabulary)
    save_tokenizer(vocabulary, [_pair(merge) for merge in model["merges"]], folder)


def _pair(merge: str | list[str]) -> str:
    """A merge as a line of merges.txt; newer libraries write it as a list of two."""
    return merge if isinstance(merge, str) else " ".join(merge)


def save_tokenizer(vocabulary: dict[str, int], merges: list[str], folder: Path) -> None:
    """Write vocab.json, merges.txt and tokenizer_config.json, then check that they load."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with write_atomically(folder / "vocab.json") as path:
        path.write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    with write_atomically(folder / "merges.txt") as path:
        path.write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "RobertaTokenizer", "model_max_length": 512},
    )
    load_tokenizer(folder)


def load_tokenizer(folder: Path, vocab_size: int | None = None) -> RobertaTokenizer:
    """Read the tokenizer of `folder`, without the network, and check it.

    `vocab_size`: entries that the model's embedding has; default: what vocab.json holds.
    UserError if a file is missing, special ids differ from RoBERTa's, "" is not [0, 2], or the
    size is another.
    """
    from transformers import RobertaTokenizer

    folder = Path(folder)
    for name in FILES:
        if not (folder / name).is_file():
            raise UserError(
                f"{folder / name} is missing: the folder needs {' and '.join(FILES)} of a "
                "byte-level BPE tokenizer; delete the folder to have it made again"
            )
    tokenizer = RobertaTokenizer.from_pretrained(str(folder), local_files_only=True)
    _check(tokenizer, folder, vocab_size)
    return tokenizer


def _check(tokenizer: RobertaTokenizer, folder: Path, vocab_size: int | None) -> None:
    """UserError, naming what is wrong, unless the tokenizer is the one of the folder's files."""
    in_file = len(json.loads((folder / "vocab.json").read_text(encoding="utf-8")))
    problems = []
    for token in ("<s>", "<pad>", "</s>"):
        found = tokenizer.convert_tokens_to_ids(token)
        if found != SPECIAL_IDS[token]:
            problems.append(f"{token} has id {found}, not {SPECIAL_IDS[token]}")
    if len(tokenizer) != in_file:
        problems.append(f"{len(tokenizer)} tokens were loaded, vocab.json has {in_file}")
    if len(tokenizer) < SMALLEST_VOCABULARY:
        problems.append(f"{len(tokenizer)} tokens are fewer than the bytes")
    if vocab_size is not None and vocab_size != len(tokenizer):
        problems.append(f"{len(tokenizer)} tokens, but the text model embeds {vocab_size}")
    if not problems and tokenizer("")["input_ids"] != [0, 2]:
        problems.append(f'"" gives {tokenizer("")["input_ids"]}, not [0, 2]')
    if problems:
        raise UserError(
            f"the tokenizer in {folder} is not a RoBERTa tokenizer: {'; '.join(problems)}. "
            "Delete the folder to have it made again"
        )
