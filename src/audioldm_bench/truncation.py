"""Sound files that hold less than they promise: libsndfile reads them without a word."""

from __future__ import annotations

import struct
from pathlib import Path

_SLACK = 1e-3  # s; headers that are a few bytes off are common
# In a wav header that was written before the length was known (to a pipe): ffmpeg's, sox's values.
_UNKNOWN = 0x7FFF0000
# MPEG audio, layer III (ISO 11172-3, 13818-3): kbit/s by index, for version 1 and for 2 and 2.5.
_KBITS = (
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_MP3_RATES = (44100, 48000, 32000)  # Hz, of version 1


class AudioError(Exception):
    """A clip that cannot be used; the message is the reason, without the file's name."""


def refuse_truncated(path: Path, file, n_read: int) -> None:
    """AudioError if `n_read` frames are less than the open SoundFile at `path` promises.

    wav: the size of its data chunk. ogg: the page that ends the stream must be there. mp3: what its
    header counts, or without one the frames of the file. flac: what libsndfile reports.
    """
    promised = file.frames
    if file.format in ("WAV", "WAVEX", "RF64"):
        there, size = _wav_bytes(path)
        promised = round(n_read * size / there) if there else size
    elif file.format == "OGG" and not _ogg_ends(path):
        seconds = n_read / file.samplerate
        raise AudioError(f"truncated: the stream has no end, {seconds:.4g} s are there")
    elif file.format == "MP3":
        promised = _mp3_promise(path, file.frames)
    if promised - n_read > _SLACK * file.samplerate:
        raise AudioError(broken_off(n_read, promised, file.samplerate))


def broken_off(n_read: int, promised: int, rate: int) -> str:
    """The reason, in s."""
    if promised >= 1 << 60:  # a flac that was written to a pipe; libsndfile loses its end
        return "unreadable: its header does not say how long it is; convert it to wav"
    return f"truncated: header promises {promised / rate:.4g} s, {n_read / rate:.4g} s are there"


def _wav_bytes(path: Path) -> tuple[int, int]:
    """Bytes of the data chunk that are there, and that its header promises."""
    total = path.stat().st_size
    with open(path, "rb") as file:
        order = ">" if file.read(12)[:4] == b"RIFX" else "<"
        long = 0  # RF64: the size stands in a chunk of its own
        while len(header := file.read(8)) == 8:
            name, size = header[:4], struct.unpack(f"{order}I", header[4:])[0]
            if name == b"data":
                there, size = total - file.tell(), long or size
                known = long or 0 < size < _UNKNOWN
                return (min(there, size), size) if known else (there, there)
            chunk = file.read(size + size % 2)
            if name == b"ds64":
                long = struct.unpack("<Q", chunk[8:16])[0]
    return 0, 0


def _ogg_ends(path: Path) -> bool:
    """Whether all pages are whole, and the last one says that it is."""
    total, ends = path.stat().st_size, False
    with open(path, "rb") as file:
        while len(header := file.read(27)) == 27 and header[:4] == b"OggS":
            lacing = file.read(header[26])
            if len(lacing) < header[26] or file.tell() + sum(lacing) > total:
                return False
            file.seek(sum(lacing), 1)
            ends = bool(header[5] & 4)
    return ends and not header.startswith(b"OggS")


def _mp3_promise(path: Path, reported: int) -> int:
    """Samples of an mp3: `reported`, if its header counts them; else those of its frames.

    Raises AudioError if `reported`, where libsndfile stops reading, is a guess that falls short:
    variable bit rate without a header.
    """
    data = path.read_bytes()
    start = 0
    if data[:3] == b"ID3":  # its size: 4 bytes of 7 bits
        start = 10 + sum(byte << 7 * (3 - i) for i, byte in enumerate(data[6:10]))
    if any(mark in data[start : start + 200] for mark in (b"Xing", b"Info", b"VBRI")):
        return reported
    samples = longest = 0
    while frame := _mp3_frame(data[start : start + 4]):
        samples, start, longest = samples + frame[1], start + frame[0], frame[1]
    if samples > reported + 2 * longest:  # a decoder's delay is shorter
        raise AudioError("unreadable: variable bit rate without a header; convert it to wav")
    return samples if start > len(data) else min(samples, reported)  # the last frame is cut, or not


def _mp3_frame(header: bytes) -> tuple[int, int] | None:
    """Bytes and samples of the frame that begins with these four bytes."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, kbits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or kbits in (0, 15) or rate == 3:
        return None
    first = version == 3
    hertz = _MP3_RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    bits = _KBITS[not first][kbits - 1] * 1000
    samples = 1152 if first else 576
    return samples // 8 * bits // hertz + (header[2] >> 1 & 1), samples
