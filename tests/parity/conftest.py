"""A checkpoint of full size S in the original layout, imported once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
import yaml
from parity_check import ROBERTA, ROOT, Golden, save_checkpoint

from audioldm_bench.checkpoints import import_audioldm
from audioldm_bench.tokenizer import MASK, SPECIAL_IDS, save_tokenizer


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def config() -> dict:
    """config/config.yaml: the paper's study."""
    return yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def golden() -> Golden:
    return Golden("S")


def _filler_tokenizer(folder: Path) -> Path:
    """A tokenizer of RoBERTa's size that knows single bytes only."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    entries = [*SPECIAL_IDS, *bytes_to_unicode().values()]
    entries += [f"<filler {number}>" for number in range(50264 - len(entries))]
    save_tokenizer({entry: number for number, entry in enumerate([*entries, MASK])}, [], folder)
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory, config, golden):
    """The component folders of S."""
    folder = tmp_path_factory.mktemp("parity")
    tokenizer = ROBERTA if ROBERTA.is_dir() else _filler_tokenizer(folder / "tokenizer")
    save_checkpoint(folder / "s.ckpt", golden)
    import_audioldm(
        folder / "s.ckpt",
        folder / "s",
        tokenizer_files={"vocab": tokenizer / "vocab.json", "merges": tokenizer / "merges.txt"},
        clap_config=config["models"]["clap"],
    )
    (folder / "s.ckpt").unlink()
    yield folder / "s"
    shutil.rmtree(folder)  # gigabytes, which pytest would keep for three runs
