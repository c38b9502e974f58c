"""What `auto` takes, by what is free."""

import pytest
import torch

from framework import UserError
from framework.data.stores import storage as storage_module
from framework.data.stores.cache import Cache
from framework.data.stores.storage import Storage

SHAPE = (1000, 1, 10, 10)  # 100,000 bytes
CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture
def storage(tmp_path, monkeypatch):
    """With so many bytes free."""

    def make(kind="auto", device=CPU, on_device=0, memory=0, disk=0):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (on_device, 10**9))
        monkeypatch.setattr(storage_module, "free_memory", lambda: memory)
        monkeypatch.setattr(storage_module, "free_disk", lambda folder: disk)
        return Storage(kind, device, Cache(tmp_path))

    return make


@pytest.mark.parametrize(
    ("device", "free", "place"),
    [
        (CUDA, {"on_device": 400_000, "memory": 10**9, "disk": 10**9}, "device"),
        (CUDA, {"on_device": 399_999, "memory": 10**9, "disk": 10**9}, "memory"),
        (CPU, {"on_device": 10**9, "memory": 200_000}, "memory"),
        (CPU, {"memory": 199_999, "disk": 125_000}, "disk"),
        (CPU, {"memory": 199_999, "disk": 124_999}, "stream"),
        (CPU, {"memory": None}, "memory"),
        (torch.device("mps"), {"memory": 10**9}, "memory"),
    ],
)
def test_auto_takes_the_first_place_that_leaves_room(device, free, place, storage):
    assert storage(device=device, **free).choose(SHAPE) == place


def test_auto_does_not_go_to_a_disk_that_failed(storage):
    failed = storage(disk=10**9)
    failed.cache.writable = False
    assert failed.choose(SHAPE) == "stream"


@pytest.mark.parametrize(
    ("kind", "device", "free", "where"),
    [
        ("memory", CPU, {"memory": 124_000}, "in memory"),
        ("device", CUDA, {"on_device": 124_000}, "on cuda"),
        ("disk", CPU, {"disk": 105_000}, "in '"),
    ],
)
def test_a_place_that_is_asked_for_and_too_small_is_an_error_that_says_what_to_do(kind, device, free, where, storage):
    with pytest.raises(UserError) as caught:
        storage(kind, device, **free).choose(SHAPE)
    assert f"train.store={kind}: 1,000 images of 1×10×10 bytes need 0.0 GB; 0.0 GB are free {where}" in str(
        caught.value
    )
    assert "train.store=auto" in str(caught.value)


def test_a_place_that_is_asked_for_may_take_more_than_auto_would(storage):
    assert storage("memory", memory=125_000).choose(SHAPE) == "memory"
    assert storage("device", CUDA, on_device=125_000).choose(SHAPE) == "device"


def test_memory_is_the_device_of_the_cpu(storage):
    assert storage("device", memory=10**6).choose(SHAPE) == "memory"


def test_a_stream_needs_no_room(storage):
    assert storage("stream").choose(SHAPE) == "stream"


@pytest.mark.parametrize("kind", ["auto", "disk"])
def test_what_the_disk_has_already_needs_no_room_there(kind, storage):
    full = storage(kind)
    full.cache.writable = False
    assert full.choose(SHAPE, on_disk=True) == "disk"


def test_what_the_disk_has_goes_to_memory_where_there_is_room(storage):
    assert storage(memory=200_000).choose(SHAPE, on_disk=True) == "memory"
