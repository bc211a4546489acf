"""The loader gives the bits of the files, the next batch before it is asked for."""

from __future__ import annotations

import threading

import h5py
import numpy as np
import pytest
import torch

from audioldm_bench.diffusion.data import TrainingSet
from audioldm_bench.diffusion.loader import Ahead
from audioldm_bench.direct import DirectRows
from audioldm_bench.errors import UserError
from audioldm_bench.store import Store

SEED, BATCH = 5, 3


@pytest.fixture
def data(world):
    caches = world.caches
    with TrainingSet(caches["latent_shards"], caches["condition_paths"], world.train_ids) as found:
        yield found


@pytest.fixture
def stored(world):
    """What HDF5 itself reads: mean, logvar and embedding by clip, float32."""
    with Store(world.caches["latent_shards"]) as latents, Store(world.root / "clap.h5") as clap:
        return {
            i: [
                torch.from_numpy(store.get(name, i).astype(np.float32))
                for store, name in ((latents, "mean"), (latents, "logvar"), (clap, "embedding"))
            ]
            for i in world.train_ids
        }


@pytest.mark.parametrize("steps", [range(14), [7, 7, 2, 3, 40]])
def test_each_batch_has_the_bits_of_the_files(data, stored, steps):
    """In order, over epochs' ends, and as a resumed or repeated step asks."""
    for step in steps:
        batch = data.batch(step, SEED, BATCH)
        assert batch.clip_ids == [data.ids[k] for k in data.indices(step, SEED, BATCH)]
        for number, found in enumerate((batch.mean, batch.logvar, batch.condition)):
            wanted = torch.stack([stored[i][number] for i in batch.clip_ids])
            assert found.dtype == torch.float32 and torch.equal(found, wanted)


def test_a_batch_may_hold_a_clip_twice_and_several_epochs(data, stored):
    batch = data.batch(1, SEED, 2 * len(data) + 1)
    assert len(batch.clip_ids) == 2 * len(data) + 1
    wanted = torch.stack([stored[i][0] for i in batch.clip_ids])
    assert torch.equal(batch.mean, wanted)


def test_the_next_batch_is_read_while_a_step_runs():
    read, threads, begun = [], [], threading.Event()

    def load(key):
        read.append(key)
        threads.append(threading.current_thread())
        if key == 1:
            begun.set()
        if key == 3:
            raise UserError("damaged")
        return 10 * key

    ahead = Ahead(load)
    assert ahead.take(0, 1) == 0
    assert begun.wait(10)  # nobody has asked for it
    assert ahead.take(1, 2) == 10 and ahead.take(2, 3) == 20
    assert threads[1] is threads[2] is not threading.current_thread()
    with pytest.raises(UserError, match="damaged"):
        ahead.take(3, 4)
    assert ahead.take(7, 8) == 70
    ahead.close()
    assert read[:4] == [0, 1, 2, 3] and 7 in read


def test_rows_of_all_layouts_in_any_thread(tmp_path):
    rows = np.random.default_rng(0).normal(size=(50, 3, 4)).astype(np.float16)
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        file["whole"] = rows
        file.create_dataset("many", data=rows, chunks=(7, 3, 4), maxshape=(None, 3, 4))
        file.create_dataset("single", data=rows, chunks=(1, 3, 4))
    with h5py.File(tmp_path / "a.h5") as file:
        for name in file:
            direct, out = DirectRows(file[name]), np.empty_like(rows)

            def read(first, direct=direct, out=out):
                for row in range(first, len(rows), 4):
                    direct.read_into(row, out[row])

            workers = [threading.Thread(target=read, args=(first,)) for first in range(4)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            direct.close()
            assert out.tobytes() == rows.tobytes(), name


def test_a_file_that_is_not_as_the_workflow_writes_it_is_refused(tmp_path):
    rows = np.ones((50, 3, 4), np.float32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("packed", data=rows, compression="gzip")
        file.create_dataset("foreign", data=rows.astype(">f4"))
        file.create_dataset("cut", data=rows, chunks=(1, 3, 2))
        file.create_dataset("gaps", shape=rows.shape, dtype="f4", chunks=(1, 3, 4))
        file["whole"] = rows
    with h5py.File(tmp_path / "a.h5") as file:
        for name, words in (
            ("packed", "compressed"),
            ("foreign", "byte order"),
            ("cut", "no whole rows"),
            ("gaps", "has gaps"),
        ):
            with pytest.raises(UserError, match=rf"a\.h5.*{words}.*delete"):
                DirectRows(file[name])
        direct = DirectRows(file["whole"])
        with open(tmp_path / "a.h5", "r+b") as short:
            short.truncate(file["whole"].id.get_offset() + 60)
        direct.read_into(0, np.empty((3, 4), np.float32))
        with pytest.raises(UserError, match="shorter than it was"):
            direct.read_into(1, np.empty((3, 4), np.float32))
        direct.close()
