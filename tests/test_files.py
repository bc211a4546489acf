"""Files that are whole or not there, also across file systems and on a full disk."""

import errno
import os
from types import SimpleNamespace

import pytest

from audioldm_bench import files
from audioldm_bench.errors import UserError
from audioldm_bench.files import move_whole, telling_full_disk, write_atomically


@pytest.mark.parametrize("same", [True, False])
def test_a_finished_file_takes_its_name_whole(tmp_path, monkeypatch, same):
    source, path = tmp_path / "part", tmp_path / "deep/file"
    source.write_bytes(b"whole")
    real = os.replace

    def replace(a, b):
        if not same and a == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(a, b)

    monkeypatch.setattr(files.os, "replace", replace)
    move_whole(source, path)
    assert path.read_bytes() == b"whole" and not source.exists()
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_copy_onto_a_full_disk_keeps_what_there_is(tmp_path, monkeypatch):
    source, path = tmp_path / "part", tmp_path / "deep/file"
    source.write_bytes(b"whole")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    def elsewhere(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(files.os, "replace", elsewhere)
    monkeypatch.setattr(files.shutil, "copyfile", full)
    with pytest.raises(UserError, match="deep/file: the disk is full; make room"):
        move_whole(source, path)
    assert source.read_bytes() == b"whole" and not list(path.parent.iterdir())


def test_only_a_full_disk_is_called_so(tmp_path):
    with pytest.raises(PermissionError), telling_full_disk(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(RuntimeError, match="unexpected pos"), write_atomically(tmp_path / "a"):
        raise RuntimeError("unexpected pos 704 vs 598")


@pytest.mark.parametrize(
    ("error", "free"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 10**9),
        (RuntimeError("I/O error: No space left on device (os error 28)"), 10**9),  # safetensors
        (RuntimeError("unexpected pos 704 vs 598"), 4096),  # torch.save
    ],
)
def test_a_full_disk_is_said_whatever_was_written(tmp_path, monkeypatch, error, free):
    (tmp_path / "state.pt").write_bytes(b"before")
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with (
        pytest.raises(UserError, match="state.pt: the disk is full; make room and run again"),
        write_atomically(tmp_path / "state.pt") as draft,
    ):
        draft.write_bytes(b"half")
        raise error
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]
