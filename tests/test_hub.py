"""Folders of a model hub: what is fetched from where, whole or not at all."""

import hashlib
import json
from pathlib import Path

import pytest

from audioldm_bench import hub
from audioldm_bench.errors import UserError
from audioldm_bench.hub import clap_files, download_folder, file_url, model_files
from local_hub import serving_hub

SOURCE = {"repository": "cvssp/small", "revision": "refs/pr/3", "weights": "bin"}


@pytest.fixture
def files(tmp_path) -> dict[str, bytes]:
    """What the repository holds, by path."""
    made = {name: name.encode() * 50_000 for name in (*model_files("bin"), "README.md")}
    for name, data in made.items():
        path = tmp_path / "hub/cvssp/small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return made


@pytest.fixture
def server(files, tmp_path):
    with serving_hub(tmp_path / "hub") as made:
        yield made


@pytest.fixture
def fetch(server, tmp_path):
    def call(source=SOURCE, names=None, **more):
        options = {"retries": 1, "timeout": 5, "backoff": 0.01} | more
        return download_folder(
            source,
            names or model_files(source["weights"]),
            tmp_path / "out",
            endpoint=server.endpoint + "/",
            lock=tmp_path / "lock.json",
            state=tmp_path / "state",
            **options,
        )

    return call


def found(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_files_that_an_import_reads():
    assert model_files("safetensors") == [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
        "vocoder/config.json",
        "vocoder/model.safetensors",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
    ]
    assert {"vocoder/pytorch_model.bin", "vae/diffusion_pytorch_model.bin"} < set(
        model_files("bin")
    )
    assert clap_files("safetensors") == ["config.json", "model.safetensors"]
    assert clap_files("bin") == ["config.json", "pytorch_model.bin"]


def test_addresses_are_the_hubs():
    url = file_url("https://hub.example/", "own/er", "refs/pr/3", "unet/a b.bin")
    assert url == "https://hub.example/own/er/resolve/refs%2Fpr%2F3/unet/a%20b.bin"


def test_a_folder_is_fetched_and_its_sums_recorded(fetch, files, server, tmp_path):
    sums = fetch()
    wanted = {name: data for name, data in files.items() if name != "README.md"}
    assert found(tmp_path / "out") == wanted
    assert sums == {name: hashlib.sha256(data).hexdigest() for name, data in wanted.items()}
    recorded = json.loads((tmp_path / "lock.json").read_text())
    prefix = f"{server.endpoint}/cvssp/small/resolve/refs%2Fpr%2F3/"
    assert recorded == {prefix + name: sum_ for name, sum_ in sums.items()}
    assert found(tmp_path / "state").keys() <= {".lock", ".fingerprint", ".finished"}


def test_a_known_sum_is_checked_and_nothing_left(fetch, tmp_path):
    with pytest.raises(UserError, match="sha256 is .* as the config or the lock file says"):
        fetch(SOURCE | {"checksums": {"vae/config.json": "0" * 64}})
    assert not (tmp_path / "out").exists()


def test_a_changed_file_is_noticed(fetch, tmp_path):
    fetch()
    (tmp_path / "hub/cvssp/small/unet/config.json").write_text("other")
    with pytest.raises(UserError, match="unet/config.json of cvssp/small at refs/pr/3"):
        fetch()
    assert (tmp_path / "out/unet/config.json").read_bytes() != b"other"


def test_a_file_that_is_not_there(fetch, tmp_path):
    with pytest.raises(UserError, match="404 .*the entry's `weights` is safetensors"):
        fetch(SOURCE | {"weights": "safetensors"})
    with pytest.raises(UserError, match="404 .*cvssp/small at gone"):
        fetch(SOURCE | {"revision": "gone"})
    assert not (tmp_path / "out").exists()


def test_after_a_failure_the_other_files_are_kept(fetch, server, files, tmp_path):
    server.script = ["", "", "", "drop", "500"]
    with pytest.raises(UserError, match="gave up"):
        fetch()
    asked = len(server.paths)
    fetch()
    assert found(tmp_path / "out").keys() == set(model_files("bin"))
    again = server.paths[asked:]
    assert len(again) == 9 and not any("model_index" in path for path in again)


def test_other_files_of_an_earlier_try_are_not_taken(fetch, server, tmp_path):
    server.script = [*[""] * 6, "500", "500"]
    with pytest.raises(UserError):
        fetch()
    fetch(SOURCE | {"revision": "v2"}, names=["unet/config.json"])
    assert found(tmp_path / "out").keys() == {"unet/config.json"}


def test_downloads_keep_their_place_at_the_server(fetch, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(hub, "download", lambda url, path, **options: seen.append(options) or "0")
    monkeypatch.setattr(hub, "replace_folder", lambda *_: None)
    fetch(hosts=tmp_path / "hosts")
    assert {options["hosts"] for options in seen} == {tmp_path / "hosts"}
