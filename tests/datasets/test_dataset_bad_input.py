"""Tables as they come from spreadsheets, from half a download, or from a typing error."""

import pytest

from audioldm_bench.datasets.adapters import scan_dataset
from audioldm_bench.errors import UserError

SPLIT = {
    "kind": "random",
    "evaluation": 1,
    "validation": 0,
    "evaluation_folds": [],
    "stratify": False,
}


def scan(root, adapter, **more):
    return scan_dataset(root, {"adapter": adapter, "split": SPLIT} | more)


def mine(root, text, encoding="utf-8"):
    (root / "metadata.csv").write_bytes(text.encode(encoding))
    return scan(root, "table")


def test_a_spreadsheets_csv_is_read(tmp_path):
    """Byte order mark, CRLF, blank rows at the end, spaces around cells and names."""
    text = (
        "\ufefffile , caption,label\r\n a.wav , rain ,Rain\r\n\r\n,,\r\nb.wav,wind,Wind\r\n,,\r\n"
    )
    clips = mine(tmp_path, text)
    assert [(c.file, c.caption, c.label) for c in clips] == [
        ("a.wav", "rain", "Rain"),
        ("b.wav", "wind", "Wind"),
    ]


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path):
    with pytest.raises(UserError, match="row 5 has no file, or neither caption nor label"):
        mine(tmp_path, "file,label\na.wav,Dog\n\n,\nb.wav,\n")
    with pytest.raises(UserError, match="a.wav stands in rows 2 and 5"):
        mine(tmp_path, "file,label\na.wav,Dog\n\n,\na.wav,Cat\n")


def test_a_long_caption_and_lines_within_one_are_kept(tmp_path):
    long = "a dog barks and " * 2000
    clips = mine(tmp_path, f'file,caption\na.wav,"{long}"\nb.wav,"two\nlines, one caption"\n')
    assert clips[0].caption == long.strip() and clips[1].caption == "two\nlines, one caption"
    with pytest.raises(UserError, match="metadata.csv: not a csv table .*field larger"):
        mine(tmp_path, f"file,caption\na.wav,{'x' * 200_000}\n")


def test_absolute_paths_and_paths_above_are_taken_from_a_users_own_table(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    clips = mine(root, f"file,label\n{tmp_path}/a.wav,Dog\n../b.wav,Dog\n")
    assert [clip.file for clip in clips] == [f"{tmp_path}/a.wav", "../b.wav"]
    assert (root / clips[0].file) == tmp_path / "a.wav"
    assert [clip.clip_id for clip in clips] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ("file,label\na.wav,K\u00e4se\n", "latin-1", "not UTF-8 text; save it as UTF-8"),
        ("file,label\na.wav,Dog\n", "utf-16", "not UTF-8 text"),
        ("file;label\na.wav;Dog\n", "utf-8", "not parted by commas: save it as a csv"),
        ("file\tlabel\na.wav\tDog\n", "utf-8", "not parted by commas"),
        ("File,Label\na.wav,Dog\n", "utf-8", r"`file` is missing \(found: File, Label\)"),
        ("file,label,label\na.wav,Dog,Cat\n", "utf-8", "the column `label` is there twice"),
        ("\n", "utf-8", "`file` is missing"),
    ],
)
def test_a_table_that_is_none_is_refused_in_words(tmp_path, text, encoding, words):
    with pytest.raises(UserError, match=rf"metadata\.csv: .*{words}"):
        mine(tmp_path, text, encoding)


ORIGINALS = {
    "esc50": ("esc50.csv", "filename,fold,category,src_file", "1-9-A-0.wav,1,dog,9"),
    "urbansound8k": (
        "UrbanSound8K.csv",
        "slice_file_name,fsID,fold,class",
        "7-3-0-0.wav,7,5,siren",
    ),
    "audiocaps": ("train.csv", "youtube_id,start_time,caption", "aaaaaaaaaaa,30,rain"),
}


@pytest.mark.parametrize("adapter", ORIGINALS)
def test_blank_cells_of_an_original_table_are_named(tmp_path, adapter):
    name, head, row = ORIGINALS[adapter]
    for column, cell in zip(head.split(","), row.split(","), strict=True):
        broken = f",{row},".replace(f",{cell},", ",,")[1:-1]
        (tmp_path / name).write_text(f"{head}\n{row}\n{broken}\n")
        with pytest.raises(UserError, match=rf"{name}: row 3 has no {column}; fill it"):
            scan(tmp_path, adapter)


@pytest.mark.parametrize("adapter", ["esc50", "urbansound8k"])
def test_a_clip_that_stands_in_an_original_table_twice(tmp_path, adapter):
    name, head, row = ORIGINALS[adapter]
    (tmp_path / name).write_text(f"{head}\n{row}\n{row}\n")
    with pytest.raises(UserError, match=rf"{name}: .* stands in rows 2 and 3; take one out"):
        scan(tmp_path, adapter)


def test_a_users_table_in_a_folder_of_its_archive(tmp_path):
    folder = tmp_path / "my-sounds-1.0"
    (folder / "wav").mkdir(parents=True)
    (folder / "wav/a.wav").touch()
    (folder / "metadata.csv").write_text("file,label\nwav/a.wav,Dog\n")
    (clip,) = scan(tmp_path, "table")
    assert clip.file == "my-sounds-1.0/wav/a.wav"
