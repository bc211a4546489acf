"""Every adapter from a folder and from a download, up to its manifest, on this machine alone."""

from __future__ import annotations

import csv
import http.server
import json
import os
import re
import shutil
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from study import planned, run

from audioldm_bench.synthetic.corpora import write_corpus

CLIPS = {
    "esc50": {"classes": ["dog", "rain"], "per_class": 6},
    "urbansound8k": {"classes": ["siren", "dog_bark"], "per_class": 10},
    "audiocaps": {"train": 6, "validation": 0, "evaluation": 4},
    "audioset": {"train": 4, "evaluation": 4},
}
NAMES = [*CLIPS, "mine"]
SPLITS = {
    "esc50": {"kind": "random", "evaluation": 4, "stratify": False},
    "urbansound8k": {"kind": "fold", "evaluation_folds": [10]},  # the default's 870 stays
    "mine": {
        "kind": "official",
        "evaluation": 0,
        "validation": 0,
        "evaluation_folds": [],
        "stratify": False,
    },
}
MANIFESTS = [f"results/paper/data/{name}/manifest.csv" for name in NAMES]
# In place of yt-dlp
YT_DLP = """#!{python}
import sys
from pathlib import Path
name = sys.argv[-1].split("v=")[1]
if name in {gone}:
    sys.exit("ERROR: [youtube] " + name + ": Private video. Sign in")
Path(sys.argv[sys.argv.index("--output") + 1].replace("%(ext)s", "flac")).write_bytes(b"sound")
"""


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """A folder of each layout, with sound, and one with a user's csv."""
    root = tmp_path_factory.mktemp("corpora")
    for layout, clips in CLIPS.items():
        write_corpus(root / layout, layout, clips=clips, duration=1.0, seed=0, progress_every=60)
    (root / "mine").mkdir()
    rows = ["file,caption,split"]
    sounds = sorted((root / "esc50").rglob("*.wav"))
    for number, sound in enumerate(sounds):
        shutil.copy(sound, root / f"mine/{number}.wav")
        rows.append(f"{number}.wav,sound {number},{'test' if number % 2 else 'train'}")
    (root / "mine/metadata.csv").write_text("\n".join(rows))
    return root


def changes(**sources) -> dict:
    """The default config with the five datasets, each with the keys of `sources`."""
    datasets = {name: {"shards": 1, **sources[name]} for name in NAMES}
    for name, split in SPLITS.items():
        datasets[name]["split"] = split
    datasets["mine"] |= {
        "adapter": "table",
        "table": "metadata.csv",
        "licence": "mine",
        "caption_template": "{caption}",
        "nominal_duration": 1.0,
        "generated_duration": 10.24,
        "shards": 2,
    }
    for name in ("audiocaps", "audioset"):
        datasets[name]["evaluation_list"] = None
    datasets["mine"] = {"folder": None, "download": [], "evaluation_list": None, **datasets["mine"]}
    return {"datasets": datasets, "table1": {"datasets": NAMES}}


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def splits(folder: Path, name: str) -> Counter:
    return Counter(row["split"] for row in rows(folder / f"results/paper/data/{name}/manifest.csv"))


@pytest.mark.slow
def test_five_adapters_read_a_users_folders(corpora, tmp_path):
    given = changes(**{n: {"source": "folder", "folder": str(corpora / n)} for n in NAMES})
    jobs = planned(tmp_path, "all_tables", configs=(), changes=given)
    assert jobs["make_manifest"] == 5 and jobs["resample"] == 4 + 2  # mine has two shards
    assert not [name for name in jobs if name in ("download_archive", "download_youtube")]
    shards = [f"results/paper/data/mine/audio/shard-0000{n}.h5" for n in range(2)]
    run(tmp_path, *MANIFESTS, *shards, configs=(), changes=given)
    assert splits(tmp_path, "esc50") == {"train": 8, "evaluation": 4}
    assert splits(tmp_path, "mine") == {"train": 6, "evaluation": 6}
    assert splits(tmp_path, "audiocaps") == {"train": 6, "evaluation": 4}
    assert splits(tmp_path, "audioset") == {"train": 4, "evaluation": 4}
    assert 0 < splits(tmp_path, "urbansound8k")["evaluation"] < 20
    assert all((tmp_path / shard).is_file() for shard in shards)
    for name in NAMES:
        assert rows(tmp_path / f"results/paper/data/{name}/missing.csv") == []


# ------------------------------------------------------------------------------ downloads
class Files(http.server.SimpleHTTPRequestHandler):
    """Serves a folder. A file below /slow/ takes its time; how many do so at once is counted."""

    busy, most, guard = 0, 0, threading.Lock()

    def do_GET(self):
        kind = type(self)
        if self.path.startswith("/slow/"):
            with kind.guard:
                kind.busy += 1
                kind.most = max(kind.most, kind.busy)
            time.sleep(2.0)
            with kind.guard:
                kind.busy -= 1
        super().do_GET()

    def log_message(self, *_):
        pass


def serve(folder: Path):
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *given: Files(*given, directory=str(folder))
    )
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def served(corpora, tmp_path):
    """The corpora as their servers have them: archives, tables without sound."""
    folder = tmp_path / "server"
    folder.mkdir()
    for name, kind in (("esc50", "zip"), ("urbansound8k", "gztar"), ("mine", "zip")):
        shutil.make_archive(str(folder / name), kind, corpora, name)
    tables = {
        "audiocaps": ["train.csv", "val.csv", "test.csv"],
        "audioset": [
            "balanced_train_segments.csv",
            "eval_segments.csv",
            "class_labels_indices.csv",
        ],
    }
    files = {"esc50": ["esc50.zip"], "urbansound8k": ["urbansound8k.tar.gz"], "mine": ["mine.zip"]}
    for name, wanted in tables.items():
        (folder / name).mkdir()
        found = {p.name: p for p in (corpora / name).rglob("*.csv")}
        for table in wanted:
            shutil.copy(found[table], folder / name / table)
        files[name] = [f"{name}/{table}" for table in wanted]
    server, url = serve(folder)
    yield {
        name: [{"url": f"{url}/{path}?download=1", "sha256": None} for path in paths]
        for name, paths in files.items()
    }
    server.shutdown()
    server.server_close()


def install_yt_dlp(folder: Path, gone: list[str]) -> None:
    folder.mkdir()
    for name in ("yt-dlp", "ffmpeg"):
        (folder / name).write_text(YT_DLP.format(python=sys.executable, gone=gone))
        (folder / name).chmod(0o755)


@pytest.mark.slow
def test_five_datasets_are_downloaded_and_missing_clips_are_listed(
    corpora, served, tmp_path, monkeypatch
):
    ids = [row["youtube_id"] for row in rows(corpora / "audiocaps/test.csv")]
    gone = [ids[0], rows(corpora / "audiocaps/train.csv")[0]["youtube_id"]]
    install_yt_dlp(tmp_path / "bin", gone)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    given = changes(**{n: {"source": "download", "download": served[n]} for n in NAMES})
    given["runtime"] = {"youtube": {"pause": 0.0}}
    study = tmp_path / "study"
    done = run(study, *MANIFESTS, configs=(), changes=given)
    assert splits(study, "esc50") == {"train": 8, "evaluation": 4}
    assert splits(study, "mine") == {"train": 6, "evaluation": 6}
    assert splits(study, "audioset") == {"train": 4, "evaluation": 4}
    assert splits(study, "audiocaps") == {"train": 5, "evaluation": 3}
    missing = rows(study / "results/paper/data/audiocaps/missing.csv")
    assert {(row["clip_id"], row["split"]) for row in missing} == {
        (f"Y{gone[0]}", "evaluation"),
        (f"Y{gone[1]}", "train"),
    }
    assert all("Private video" in row["reason"] for row in missing)
    for words in (
        "[esc50] licence: CC BY-NC 3.0",
        "[mine] licence: mine",
        "[audiocaps] licence: MIT",
    ):
        assert words in done.stdout
    lock = json.loads((study / "config/checksums.json").read_text())
    assert set(lock) == {source["url"] for sources in served.values() for source in sources}
    left = [p for p in (study / "resources/state").rglob("*") if p.is_file() and p.stat().st_size]
    assert {p.name for p in left} <= {".fingerprint", "failed.jsonl"}
    assert planned(study, *MANIFESTS, configs=(), changes=given) == {}


def test_three_downloads_at_once(tmp_path):
    """Each list has a server of its own, so only the profile's resource holds them back."""
    folder = tmp_path / "server"
    (folder / "slow").mkdir(parents=True)
    servers, lists = [], {}
    for number in range(6):
        (folder / f"slow/{number}.json").write_text("{}")
        server, url = serve(folder)
        servers.append(server)
        entry = {"url": f"{url}/slow/{number}.json", "sha256": None, "licence": "none"}
        lists[f"{number}.json"] = entry
    Files.most = 0
    targets = [f"resources/lists/{name}" for name in lists]
    options = ["--cores", "6"]
    done = run(tmp_path / "study", *targets, configs=(), changes={"lists": lists}, options=options)
    for server in servers:
        server.shutdown()
        server.server_close()
    assert len(re.findall(r"\[\d\.json\] licence: none", done.stdout)) == 6
    assert Files.most == 3
