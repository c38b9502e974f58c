"""The same pixels from wherever they are."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from framework import ImageArrays, ImageFiles, UserError
from framework.data.augment import Augmentation
from framework.data.batches import Batches
from framework.data.order import Order
from framework.data.preprocess import Preprocessor
from framework.data.stores.build import build_store
from framework.data.stores.cache import Cache
from framework.data.stores.storage import Storage
from framework.data.stores.streaming import StreamedPixels
from framework.errors import RunFailed

PREPROCESS = Preprocessor(12, 10, 3, "crop", (0.4, 0.5, 0.6), (0.2, 0.3, 0.2))
CPU = torch.device("cpu")
PLACES = ["memory", "disk", "stream"]


@pytest.fixture
def source(tmp_path):
    """150 JPEGs of many shapes, in grayscale and colour, two of them bad."""
    random = np.random.default_rng(0)
    paths = []
    for index in range(150):
        height, width = random.integers(8, 90, 2)
        shape = (height, width) if index % 3 == 0 else (height, width, 3)
        paths.append(tmp_path / f"{index:03}.jpg")
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(paths[-1])
    for index in (3, 100):
        paths[index].write_bytes(b"no image")
    return ImageFiles(paths, [index % 2 for index in range(150)], ("cat", "dog"), 3, tmp_path)


@pytest.fixture
def built(source, tmp_path):
    """The store of these images at a place."""

    def build(place, workers=None):
        storage = Storage(place, CPU, Cache(tmp_path / "cache"))
        store = build_store(source, PREPROCESS, "skip", storage=storage)
        if workers:
            store.pixels.workers = workers
        assert store.pixels.place == place
        return store

    return build


def all_images(store, batch_size=32):
    return torch.cat(list(store.pixels.in_order(batch_size)))


def test_every_place_holds_the_same_images(built):
    stores = [built(place) for place in PLACES]
    assert len({store.fingerprint() for store in stores}) == 1
    assert len({store.names for store in stores}) == 1
    images = [all_images(store) for store in stores]
    assert images[0].shape == (148, 3, 12, 10)
    assert torch.equal(images[0], images[1])
    assert torch.equal(images[0], images[2])


def test_what_a_stream_kept_is_not_taken_for_pixels(built):
    streamed = built("stream")
    for place in ("memory", "disk"):
        assert torch.equal(all_images(built(place)), all_images(streamed))


def test_the_kept_images_are_those_that_were_read(built):
    for place in PLACES:
        first, again = built(place), built(place)
        assert again.reused
        assert torch.equal(all_images(first), all_images(again))
        assert first.fingerprint() == again.fingerprint()
        assert torch.equal(first.survey.counts, again.survey.counts)
        assert [str(bad) for bad in first.skipped] == [str(bad) for bad in again.skipped]


@pytest.mark.parametrize(("place", "workers"), [("disk", None), ("stream", 1), ("stream", 3)])
def test_training_batches_are_the_same_bit_for_bit(built, place, workers):
    from framework_torch.transforms import Mixup, Rotate

    def batches(store):
        augmentation = Augmentation((Rotate(degrees=20), Mixup()), (12, 10))
        return Batches(store, PREPROCESS, augmentation, Order(store.labels, 16, 2, "shuffled", 0), 1000, CPU)

    expected, other = batches(built("memory")), batches(built(place, workers))
    for step in [*range(10), 3, 4, 9]:  # over the end of an epoch, and back
        for (images, targets, _), (others, their_targets, _) in zip(expected.at(step), other.at(step), strict=True):
            assert torch.equal(images, others)
            assert torch.equal(targets, their_targets)


def test_a_spread_of_a_stream_is_that_of_memory(built):
    assert torch.equal(built("memory").spread(20), built("stream").spread(20))


def test_streaming_does_not_touch_the_global_random_state(built):
    store, state = built("stream", 1), torch.random.get_rng_state()
    all_images(store)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_workers_are_kept_from_step_to_step_and_end_with_the_batches(built, monkeypatch):
    store, started = built("stream", 2), []
    order = Order(store.labels, 16, 1, "shuffled", 0)
    batches = Batches(store, PREPROCESS, Augmentation((), (12, 10)), order, 1000, CPU)
    start = torch.multiprocessing.get_context("fork").Process.start
    monkeypatch.setattr(
        torch.multiprocessing.get_context("fork").Process,
        "start",
        lambda process: started.append(process) or start(process),
    )
    for step in range(12):
        list(batches.at(step))
    assert len(started) == 2
    list(batches.at(5))
    assert len(started) == 4
    del batches
    assert not any(process.is_alive() for process in started)


def test_batches_that_are_gone_are_not_remembered(built):
    from torch.multiprocessing.reductions import shared_cache

    for _ in built("stream", 1).pixels.in_order(2):
        assert len(shared_cache) < 12  # those under way


def test_an_image_that_is_damaged_while_a_run_streams_is_named(built, source):
    store = built("stream", 2)
    source.paths[7].write_bytes(b"")
    with pytest.raises(UserError, match=r"007.jpg.*the file is empty"):
        all_images(store)


def test_bad_images_stop_a_run_that_streams_before_it_begins(source, tmp_path):
    storage = Storage("stream", CPU, Cache(tmp_path / "cache"))
    for _ in range(2):
        with pytest.raises(UserError, match=r"(?s)2 of 150 images cannot be used.*003.jpg.*100.jpg.*on_bad_image=skip"):
            build_store(source, PREPROCESS, storage=storage)


def test_a_worker_that_is_killed_fails_the_run_with_what_to_do(source):
    class Deadly(ImageArrays):
        def read(self, index):
            os.kill(os.getpid(), signal.SIGKILL)

    source = Deadly(np.zeros((4, 3, 12, 10), np.uint8), [0, 1, 0, 1], ("cat", "dog"))
    with pytest.raises(RunFailed, match=r"(?s)has failed: DataLoader worker .* exited unexpectedly.*train.store=disk"):
        list(StreamedPixels(source, range(4), PREPROCESS, 1).in_order(2))


def test_images_without_stamps_are_on_disk_without_being_kept(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (70, 3, 12, 10), dtype=np.uint8)
    source = ImageArrays(images, [index % 2 for index in range(70)], ("cat", "dog"))
    store = build_store(source, PREPROCESS, storage=Storage("disk", CPU, Cache(tmp_path / "cache")))
    np.testing.assert_array_equal(all_images(store), images)
    assert list((tmp_path / "cache").iterdir()) == []


def test_pixels_on_the_disk_are_not_in_memory_twice(built):
    """They are mapped, and nobody may write to them."""
    pixels = built("disk").pixels.images
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(".store")]
    assert any(line.split()[1] == "r--s" for line in mapped)
    assert pixels.shape == (148, 3, 12, 10)
