"""Adapters on small folders in the original layouts."""

import json

import pytest

from audioldm_bench.datasets.adapters import scan_dataset, wanted_segments
from audioldm_bench.datasets.naming import clip_ids
from audioldm_bench.errors import UserError

OFFICIAL = {
    "kind": "official",
    "evaluation": 0,
    "validation": 0,
    "evaluation_folds": [],
    "stratify": False,
}


def put(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def scan(root, adapter, **more):
    return scan_dataset(root, {"adapter": adapter, "split": OFFICIAL} | more)


def audiocaps(root):
    head = "audiocap_id,youtube_id,start_time,caption\n"
    put(root / "train.csv", head + '1,aaaaaaaaaaa,30,"rain, and wind"\n')
    put(root / "val.csv", head + "2,bbbbbbbbbbb,0,v one\n3,bbbbbbbbbbb,0,v two\n")
    tests = "".join(f"{n},{n % 2}{'c' * 10},20,test {n}\n" for n in range(10))
    put(root / "test.csv", head + tests)


def test_esc50_in_the_archives_own_folder(tmp_path):
    table = (
        "filename,fold,target,category,esc10,src_file,take\n1-9-A-0.wav,1,0,sea_waves,True,9,A\n"
    )
    put(tmp_path / "ESC-50-master/meta/esc50.csv", table)
    (clip,) = scan(tmp_path, "esc50")
    assert (clip.clip_id, clip.file) == ("1-9-A-0", "ESC-50-master/audio/1-9-A-0.wav")
    assert (clip.caption, clip.label, clip.group, clip.fold) == ("sea waves", "sea waves", "9", "1")


def test_two_copies_are_refused(tmp_path):
    for folder in ("a", "b"):
        put(tmp_path / folder / "meta/esc50.csv", "filename,fold,category,src_file\nx,1,dog,1\n")
    with pytest.raises(UserError, match="two copies"):
        scan(tmp_path, "esc50")


def test_urbansound8k_layout(tmp_path):
    head = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"
    table = head + "7-3-0-0.wav,7,1,3,1,5,3,dog_bark\n"
    put(tmp_path / "UrbanSound8K/metadata/UrbanSound8K.csv", table)
    (clip,) = scan(tmp_path, "urbansound8k")
    assert clip.file == "UrbanSound8K/audio/fold5/7-3-0-0.wav"
    assert (clip.caption, clip.group, clip.start, clip.end) == ("dog bark", "7", None, None)


def test_audiocaps_takes_the_first_caption_and_any_ending(tmp_path):
    audiocaps(tmp_path)
    put(tmp_path / "audio/Yaaaaaaaaaaa.flac")
    put(tmp_path / "audio/part 2/bbbbbbbbbbb.ogg")
    clips = {clip.clip_id: clip for clip in scan(tmp_path, "audiocaps")}
    assert len(clips) == 4
    assert clips["Yaaaaaaaaaaa"].file == "audio/Yaaaaaaaaaaa.flac"
    assert clips["Ybbbbbbbbbbb"].file == "audio/part 2/bbbbbbbbbbb.ogg"
    assert clips["Y0cccccccccc"].file == "audio/Y0cccccccccc.wav"
    assert clips["Y0cccccccccc"].caption == "test 0"
    assert [clips[n].split for n in ("Yaaaaaaaaaaa", "Ybbbbbbbbbbb")] == ["train", "validation"]


def test_audiocaps_without_validation_clips(tmp_path):
    audiocaps(tmp_path)
    head = (tmp_path / "val.csv").read_text().splitlines()[0]
    put(tmp_path / "val.csv", head + "\n")
    assert {clip.split for clip in scan(tmp_path, "audiocaps")} == {"train", "evaluation"}
    put(tmp_path / "test.csv", head + "\n")
    with pytest.raises(UserError, match=r"test\.csv: the table has no rows"):
        scan(tmp_path, "audiocaps")


def test_a_list_chooses_clips_and_captions_and_what_is_fetched(tmp_path):
    audiocaps(tmp_path)
    put(tmp_path / "class_labels_indices.csv", 'index,mid,display_name\n0,/m/1,"Rain, hail"\n')
    entry = {"wav": "/far/Y1cccccccccc.wav", "caption": "chosen", "labels": "/m/1,/m/2"}
    path = put(tmp_path / "list.json", json.dumps({"data": [entry]}))
    config = {"adapter": "audiocaps", "split": OFFICIAL, "evaluation_list": str(path)}
    clips = {clip.clip_id: clip for clip in scan_dataset(tmp_path, config)}
    assert "Y0cccccccccc" not in clips  # not evaluated, and never trained on
    chosen = clips["Y1cccccccccc"]
    assert (chosen.caption, chosen.label) == ("chosen", "Rain, hail;/m/2")
    pieces = wanted_segments(tmp_path, config)
    assert [(p.clip_id, p.start, p.end) for p in pieces] == [
        ("Y1cccccccccc", 20.0, 30.0),
        ("Yaaaaaaaaaaa", 30.0, 40.0),
        ("Ybbbbbbbbbbb", 0.0, 10.0),
    ]


@pytest.mark.parametrize("stem, words", [("Yaaaaaaaaaaa", "training"), ("Yz", "does not have")])
def test_a_list_of_other_clips_is_refused(tmp_path, stem, words):
    audiocaps(tmp_path)
    path = put(tmp_path / "list.json", json.dumps({"data": [{"wav": f"{stem}.wav"}]}))
    with pytest.raises(UserError, match=f"{words}.*{stem}"):
        scan(tmp_path, "audiocaps", evaluation_list=path)


@pytest.mark.parametrize("text", ["", "[]", '{"data": [{}]}', '{"data": []}', '{"data": [3]}'])
def test_a_bad_list_is_refused(tmp_path, text):
    audiocaps(tmp_path)
    path = put(tmp_path / "list.json", text)
    with pytest.raises(UserError, match=r"list\.json: .*it should be"):
        scan(tmp_path, "audiocaps", evaluation_list=path)


def test_a_list_and_a_random_split_contradict(tmp_path):
    audiocaps(tmp_path)
    with pytest.raises(UserError, match="evaluation_list and split.kind: random"):
        scan(tmp_path, "audiocaps", evaluation_list="x.json", split=OFFICIAL | {"kind": "random"})


def test_audioset_tables(tmp_path):
    put(tmp_path / "class_labels_indices.csv", 'index,mid,display_name\n0,/m/1,"A, b"\n1,/m/2,C\n')
    head = "# made\n# YTID, start_seconds, end_seconds, positive_labels\n"
    put(tmp_path / "eval_segments.csv", head + '--4gqARaEJE, 0.000, 9.000, "/m/2,/m/1"\n')
    put(tmp_path / "balanced_train_segments.csv", head + 'xxxxxxxxxxx, 5.000, 15.000, "/m/2"\n')
    evaluated, trained = scan(tmp_path, "audioset")
    assert (evaluated.split, evaluated.caption, evaluated.label) == (
        "evaluation",
        "C, A, b",
        "C;A, b",
    )
    assert (trained.split, trained.clip_id) == ("train", "Yxxxxxxxxxxx")
    put(tmp_path / "eval_segments.csv", head + '--4gqARaEJE, 0.000, 9.000, "/m/9"\n')
    with pytest.raises(UserError, match="label /m/9"):
        scan(tmp_path, "audioset")
    put(tmp_path / "eval_segments.csv", head + '--4gqARaEJE, 9.000, 9.000, "/m/1"\n')
    with pytest.raises(UserError, match="eval_segments.csv: row 1"):
        scan(tmp_path, "audioset")


def test_a_users_table(tmp_path):
    text = (
        "\ufefffile,caption,label,split,fold,group,mood\n"
        'a b/x.ogg,"A dog, barking",Dog,train,1,r1,glad\n'
        "c/x.ogg,,glass_break;Bell,TEST,2,,sad\n"
        "c/y.ogg,Rain,,,,,\n"
    )
    put(tmp_path / "metadata.csv", text)
    clips = {clip.file: clip for clip in scan(tmp_path, "table")}
    first, second, third = (clips[name] for name in ("a b/x.ogg", "c/x.ogg", "c/y.ogg"))
    assert (first.caption, first.group, first.split, first.fold) == (
        "A dog, barking",
        "r1",
        "train",
        "1",
    )
    assert (second.caption, second.group, second.split) == (
        "glass break, Bell",
        "c/x.ogg",
        "evaluation",
    )
    assert (third.clip_id, third.split) == ("y", "")
    assert first.clip_id != second.clip_id and first.clip_id.startswith("x-")


def test_a_users_table_elsewhere_than_the_sound(tmp_path):
    put(tmp_path / "lists/mine.csv", "file,label\nnear.wav,Dog\nfar.wav,Dog\n")
    put(tmp_path / "lists/near.wav")
    put(tmp_path / "audio/far.wav")
    clips = scan(tmp_path / "audio", "table", table="../lists/mine.csv")
    assert [clip.file for clip in clips] == ["far.wav", "../lists/near.wav"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "`file` is missing"),
        ("file,label\n", "no rows"),
        ("path,label\nx.wav,Dog\n", r"`file` is missing \(found: path, label\)"),
        ("file,mood\nx.wav,glad\n", "`caption` and `label` are missing"),
        ("file,label\nx.wav,Dog,more\n", "row 2 has 3 cells"),
        ("file,label\nx.wav,\n", "row 2 has no file, or neither"),
        ("file,label,split\nx.wav,Dog,maybe\n", "row 2: the split 'maybe'"),
        ("file,label\nx.wav,Dog\ny.wav,Cat\nx.wav,Dog\n", "rows 2 and 4"),
        ('file,label\n"x.wav,Dog\n', "not a csv table"),
    ],
)
def test_a_bad_table_is_refused_in_words(tmp_path, text, words):
    put(tmp_path / "metadata.csv", text)
    with pytest.raises(UserError, match=rf"metadata\.csv: .*{words}"):
        scan(tmp_path, "table")


def test_tables_that_cannot_be_found_or_read(tmp_path):
    with pytest.raises(UserError, match="set the dataset's `table`"):
        scan(tmp_path, "table")
    (tmp_path / "metadata.csv").write_bytes("file,label\nx,Käse\n".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8"):
        scan(tmp_path, "table")
    for adapter in ("esc50", "urbansound8k", "audiocaps", "audioset"):
        with pytest.raises(UserError, match="set .*folder"):
            scan(tmp_path, adapter)
    with pytest.raises(UserError, match="no such folder"):
        scan(tmp_path / "nowhere", "esc50")
    with pytest.raises(UserError, match="adapter: 'esc51' is unknown"):
        scan(tmp_path, "esc51")


def test_clip_ids_are_safe_unique_and_independent_of_order():
    files = [
        "a/x.wav",
        "b/x.wav",
        "b/X.wav",
        "d/ü n.wav",
        "d/ö n.wav",
        "-rf.wav",
        ".hid.wav",
        "犬.ogg",
    ]
    files.append("q" * 200 + ".wav")
    ids = dict(zip(files, clip_ids(files), strict=True))
    assert len({clip_id.lower() for clip_id in ids.values()}) == len(files)
    assert all(set(i) <= set("abcdefghijklmnopqrstuvwxyzABCDX0123456789._-") for i in ids.values())
    assert not any(clip_id.startswith((".", "-")) for clip_id in ids.values())
    assert max(map(len, ids.values())) <= 120
    back = files[::-1]
    assert dict(zip(back, clip_ids(back), strict=True)) == ids
