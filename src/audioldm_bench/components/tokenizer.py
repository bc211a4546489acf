"""The tokenizer of a CLAP that is trained from scratch."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..files import replace_folder, write_json
from ..tokenizer import load_tokenizer, train_tokenizer


def train_tokenizer_folder(
    manifests: Sequence[Path],
    out_folder: Path,
    *,
    settings: dict,
    wordings: dict[str, Sequence[str]],
) -> None:
    """Train the tokenizer on all captions, labels and wordings and write its folder, whole.

    `settings`: the config's models.trained.tokenizer; `wordings`: that of models.trained.clap.
    """
    texts = [text for several in wordings.values() for text in several]
    for manifest in manifests:
        with open(manifest, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                texts += [row["caption"], *filter(None, row["label"].split(";"))]
    texts = sorted({variant for text in texts for variant in (text, text.lower())})
    out_folder = Path(out_folder)
    work = out_folder.with_name(f".{out_folder.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    train_tokenizer(texts, work, settings["vocab_size"])
    tokenizer = load_tokenizer(work)
    tokens = sum(len(ids) - 2 for ids in tokenizer(texts)["input_ids"])  # without <s> and </s>
    figure = {
        "name": "tokens a word",
        "value": tokens / sum(len(text.split()) for text in texts),
        "chance": None,
        "unit": "",
        "n": len(texts),
        "better": "lower",
    }
    write_json(work / "quality.json", {"component": "tokenizer", "figures": [figure], "losses": []})
    replace_folder(work, out_folder)
