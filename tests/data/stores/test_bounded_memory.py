"""A data set ten times as large as the memory that a process may still take is read and trained on all the same."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="asks /proc what is in use")  # noqa: PTH110

SCRIPT = """
import resource, sys, threading, time
from pathlib import Path
import torch
from framework import UserError, class_tree
from framework.data.augment import Augmentation
from framework.data.batches import Batches
from framework.data.stores.cache import Cache
from framework.data.order import Order
from framework.data.preprocess import Preprocessor
from framework.data.stores.free_space import read_fields
from framework.data.stores.storage import Storage
from framework.data.stores.build import build_store

place, root, few, cache = sys.argv[1:]
cpu, preprocess = torch.device("cpu"), Preprocessor(128, 128, 3, "crop", (0.5,) * 3, (0.5,) * 3)

def epoch(root, number):
    folder = Path(cache, str(number))
    store = build_store(class_tree(Path(root)), preprocess, storage=Storage(place, cpu, Cache(folder)))
    order = Order(store.labels, 16, 1, "shuffled", 0)
    batches = Batches(store, preprocess, Augmentation((), (128, 128)), order, 1000, cpu)
    images = sum(len(images) for step in range(batches.steps_per_epoch) for images, _, _ in batches.at(step))
    return store.pixels.place, images, len(store) * 3 * 128 * 128

most, done = 0, threading.Event()

def watch():  # the most that this process or one of its workers has at a time
    global most
    while not done.wait(0.002):
        processes = ["self", *(str(worker.pid) for worker in torch.multiprocessing.active_children())]
        most = max(most, *(read_fields(Path("/proc", name, "status")).get("VmData", 0) for name in processes))

watching = threading.Thread(target=watch)
watching.start()
for number in range(3):  # what is needed without much data: threads, batches, libraries
    epoch(few, number)
done.set()
watching.join()
left = 32_000_000
resource.setrlimit(resource.RLIMIT_DATA, (most + left, most + left))
try:
    where, images, size = epoch(root, 3)
except UserError as error:
    sys.exit(str(error))
print(where, images, round(size / left, 1))
"""


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """Hard links to a few images: 6,528 of them, 321 MB when decoded; and 320 of them."""
    folder = tmp_path_factory.mktemp("trees")
    random = np.random.default_rng(0)
    for index in range(8):
        Image.fromarray(random.integers(0, 256, (128, 128, 3), dtype=np.uint8)).save(folder / f"{index}.bmp")
    for name, number in (("many", 6528), ("few", 320)):
        for label in ("a", "b"):
            (folder / name / label).mkdir(parents=True)
        for index in range(number):
            os.link(folder / f"{index % 8}.bmp", folder / name / "ab"[index % 2] / f"{index:05}.bmp")
    return folder


def run(place, trees, cache):
    command = [sys.executable, "-c", SCRIPT, place, trees / "many", trees / "few", cache]
    # So that what counts is what is held, and not where glibc leaves gaps: what is freed is given back at once.
    exact = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "65536"}
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=exact)


@pytest.mark.parametrize("place", ["disk", "stream"])
def test_ten_times_the_memory_that_is_left_is_an_epoch_like_any_other(place, trees, tmp_path):
    done = run(place, trees, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [place, "6528", "10.0"]


def test_auto_does_not_put_it_into_memory(trees, tmp_path):
    done = run("auto", trees, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in ("disk", "stream")


def test_memory_is_refused_with_what_to_do_instead(trees, tmp_path):
    done = run("memory", trees, tmp_path)
    assert done.returncode == 1
    assert "train.store=memory: 6,528 images of 3×128×128 bytes need 0.3 GB; 0." in done.stderr
    assert "GB are free in memory. Choose train.store=auto" in done.stderr
