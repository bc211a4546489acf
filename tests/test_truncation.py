"""Files that hold less than they promise, in each format that is read."""

import struct

import numpy as np
import pytest
import soundfile

from audioldm_bench import audio, truncation

RATE = 44100
SOUND = (0.1 * np.random.default_rng(0).standard_normal(3 * RATE + 137)).astype("f4")


def write(path, **options):
    soundfile.write(path, SOUND, RATE, **options)
    return path.read_bytes()


def reason(path):
    with pytest.raises(audio.AudioError) as error:
        audio.read(path)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", {"subtype": "PCM_16"}),
        ("a.wav", {"subtype": "PCM_24"}),
        ("a.wav", {"subtype": "FLOAT"}),
        ("a.wav", {"subtype": "ULAW"}),
        ("a.wav", {"subtype": "MS_ADPCM"}),
        ("a.wav", {"format": "RF64"}),
        ("a.wav", {"format": "WAV", "endian": "BIG"}),
        ("a.flac", {}),
        ("a.ogg", {}),
        ("a.ogg", {"subtype": "OPUS", "rate": 48000}),
        ("a.mp3", {"bitrate_mode": "CONSTANT"}),
        ("a.mp3", {"bitrate_mode": "VARIABLE"}),
    ],
)
def test_whole_files_are_read_and_cut_ones_refused(tmp_path, name, options):
    rate = options.pop("rate", RATE)
    path = tmp_path / name
    soundfile.write(path, SOUND, rate, **options)
    whole = path.read_bytes()
    samples, found = audio.read(path)
    assert found == rate and len(SOUND) <= len(samples) < len(SOUND) + 5000  # ADPCM: whole blocks
    for length in (len(whole) - 3000, len(whole) // 2, len(whole) // 10):
        path.write_bytes(whole[:length])
        assert reason(path).startswith(("truncated", "unreadable: Supported file format but"))


def test_a_part_of_a_cut_file_may_be_asked_for(tmp_path):
    """Segments of long recordings are found by their times, not by the length of the file."""
    whole = write(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(whole[: len(whole) // 2])
    samples, _ = audio.read(tmp_path / "a.wav", start=0.5, end=1.0)
    assert len(samples) == RATE // 2


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF000, 0x7FFFFFFF])
def test_a_wav_that_was_written_to_a_pipe_promises_nothing(tmp_path, size):
    whole = write(tmp_path / "a.wav")
    place = whole.index(b"data") + 4
    piped = whole[:place] + struct.pack("<I", size) + whole[place + 4 :]
    (tmp_path / "a.wav").write_bytes(piped)
    assert len(audio.read(tmp_path / "a.wav")[0]) == len(SOUND)


def test_a_header_off_by_a_few_bytes_is_no_cut(tmp_path):
    whole = write(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(whole[:-10])
    assert len(audio.read(tmp_path / "a.wav")[0]) == len(SOUND) - 5


def without_header(whole):
    """An mp3 without its first frame, which counts the others."""
    assert b"Info" in whole[:200] or b"Xing" in whole[:200]
    return whole[truncation._mp3_frame(whole[:4])[0] :]


def test_an_mp3_without_a_header_is_counted(tmp_path):
    path = tmp_path / "a.mp3"
    bare = without_header(write(path, bitrate_mode="CONSTANT", compression_level=0.5))
    for tag in (b"", b"TAG" + bytes(125)):  # ID3v1
        path.write_bytes(bare + tag)
        assert len(SOUND) <= len(audio.read(path)[0]) < len(SOUND) + 3 * 1152
    path.write_bytes(bare[:-100])
    assert reason(path).startswith("truncated")


def test_an_mp3_whose_length_is_guessed_too_short_is_refused(tmp_path):
    """libsndfile takes the first frame's bit rate for all, and stops where that ends."""
    path = tmp_path / "a.mp3"
    whole = write(path, bitrate_mode="VARIABLE", compression_level=0.5)
    path.write_bytes(without_header(whole))
    if soundfile.info(path).frames >= len(SOUND):
        pytest.skip("this libsndfile counts the frames")
    assert "variable bit rate" in reason(path)
