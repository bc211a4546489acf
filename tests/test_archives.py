"""Archives that are good, and archives that want to do harm."""

import errno
import io
import stat
import tarfile
import zipfile

import pytest

from audioldm_bench import archives
from audioldm_bench.archives import DamagedArchive, new_folder, unpack
from audioldm_bench.errors import UserError

LIMITS = {"max_bytes": 10_000, "max_files": 10}


def make_zip(path, members, kinds=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = ((kinds or {}).get(name, stat.S_IFREG) | 0o644) << 16
            file.writestr(info, data)
    return path


def make_tar(path, members, kinds=None):
    with tarfile.open(path, "w:gz") as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.type = (kinds or {}).get(name, tarfile.REGTYPE)
            info.linkname = "/etc/passwd" if info.type in b"12" else ""
            file.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture(params=["zip", "tar.gz"])
def archive(request, tmp_path):
    """A maker of an archive of either kind."""
    make = make_zip if request.param == "zip" else make_tar

    def made(members):
        return make(tmp_path / f"a.{request.param}", members)

    return made


def unpack_to(path, folder):
    with new_folder(folder) as work:
        unpack(path, work, **LIMITS)


def refuse(path, folder, words, kind=UserError):
    with pytest.raises(kind, match=words) as error:
        unpack_to(path, folder)
    assert error.type is kind
    assert not folder.exists()
    assert not list(folder.parent.glob(".*unpacking"))


def test_unpack_replaces_the_folder_whole(archive, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    unpack_to(archive({"top/a b.wav": b"1", "top/sub/c.csv": b"23"}), folder)
    found = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert found == {"top/a b.wav": b"1", "top/sub/c.csv": b"23"}


@pytest.mark.parametrize("name", ["../out.txt", "/abs.txt", "a/../../b", "a\\..\\b", "C:x"])
def test_paths_that_lead_outside(archive, tmp_path, name):
    refuse(archive({"good": b"1", name: b"x"}), tmp_path / "out", "leads out of the folder")
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_a_tar(tmp_path, kind):
    path = make_tar(tmp_path / "a.tar.gz", {"good": b"1", "bad": b""}, {"bad": kind})
    refuse(path, tmp_path / "out", "'bad' is refused: it is a link or a device")


def test_links_in_a_zip(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"bad": b"/etc/passwd"}, {"bad": stat.S_IFLNK})
    refuse(path, tmp_path / "out", "link or a device")


def test_bombs(archive, tmp_path):
    refuse(archive({"big": bytes(10_001)}), tmp_path / "out", "10000 bytes.*max_bytes")
    many = {f"f{n}": b"" for n in range(11)}
    refuse(archive(many), tmp_path / "out", "10 entries.*max_files")
    halves = {"one": bytes(6000), "two": bytes(6000)}
    refuse(archive(halves), tmp_path / "out", "max_bytes")


def test_damaged_archives(archive, tmp_path):
    path = archive({"a": bytes(range(256)) * 20, "b": b"x" * 500})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refuse(path, tmp_path / "out", "damaged", DamagedArchive)
    path.write_bytes(b"<html>not an archive</html>")
    refuse(path, tmp_path / "out", "damaged, encrypted or no archive", DamagedArchive)
    refuse(archive({"a": b"file", "a/b": b"in it"}), tmp_path / "out", "damaged", DamagedArchive)


def test_flipped_bytes_in_a_zip(tmp_path):
    path = make_zip(tmp_path / "a.zip", {"a": b"some bytes that are summed" * 9})
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    refuse(path, tmp_path / "out", "damaged", DamagedArchive)


def test_a_full_disk_is_no_damage(archive, tmp_path, monkeypatch):
    path = archive({"a": b"1"})

    def full(given, mode):
        if given != path:
            raise OSError(errno.ENOSPC, "No space left on device")
        return open(given, mode)

    monkeypatch.setattr(archives, "open", full, raising=False)
    refuse(path, tmp_path / "out", "the disk is full; make room")


def test_what_a_killed_job_left_is_cleared(archive, tmp_path):
    left = tmp_path / ".out.unpacking"
    left.mkdir()
    (left / "half.wav").write_bytes(b"1")
    unpack_to(archive({"a": b"1"}), tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a"] and not left.exists()
