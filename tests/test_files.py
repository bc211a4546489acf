"""Files that are whole or not there, also across file systems and on a full disk."""

import errno
import os

import pytest

from audioldm_bench import files
from audioldm_bench.errors import UserError
from audioldm_bench.files import move_whole, telling_full_disk


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
