"""Batches on a GPU are equal to those on the CPU, for every storage of pixels, without synchronisation."""

import numpy as np
import pytest
import torch

from framework import BatchPosition, ImageArrays, Registry
from framework.components import Transform
from framework.data.augment import Augmentation
from framework.data.batches import Batches
from framework.data.order import Order
from framework.data.preprocess import Preprocessor
from framework.data.stores.build import build_store
from framework.data.stores.storage import Storage
from framework.recipe import Recipe

pytestmark = pytest.mark.cuda

REGISTRY = Registry.load()
TRANSFORMS = REGISTRY.names(Transform)
PREPROCESS = Preprocessor(24, 20, 3, "crop", (0.5,) * 3, (0.25,) * 3)


def transforms(*names):
    tree = {"dataset": "drawn_faces", "model": "resnet18", "augment": list(names)}
    return Recipe.model_validate(tree, context=REGISTRY).augment


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_give_the_same_result_on_the_device(device, name):
    images = torch.rand(16, 3, 24, 20, generator=torch.Generator().manual_seed(0))
    targets = torch.eye(16)
    augment = Augmentation(transforms(name), (24, 20))
    expected = augment(images, targets, BatchPosition(torch.arange(16), seed=3))
    position = BatchPosition(torch.arange(16, device=device), seed=3)
    given = augment(images.to(device), targets.to(device), position)
    assert given[0].device.type == device.type
    for ours, theirs in zip(given, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, atol=2e-4, rtol=1e-3)


def batches(device, kind, names=("flip", "rotate", "contrast", "erase", "mixup")):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 3, 24, 20), dtype=np.uint8)
    source = ImageArrays(pixels, [index % 3 for index in range(90)], ("cat", "dog", "fox"))
    store = build_store(source, PREPROCESS, storage=Storage(kind, device))
    order = Order(store.labels, 8, 2, "shuffled", 0)
    return Batches(store, PREPROCESS, Augmentation(transforms(*names), (24, 20)), order, 20, device)


@pytest.mark.parametrize("kind", ["device", "memory", "stream"])
def test_batches_are_equal_to_those_on_the_cpu_for_every_storage(device, kind):
    expected, given = batches(torch.device("cpu"), "memory"), batches(device, kind)
    for step in (0, 1, 2, 7, 3):
        for theirs, ours in zip(expected.at(step), given.at(step), strict=True):
            torch.testing.assert_close(ours[0].cpu(), theirs[0], atol=2e-3, rtol=1e-3)
            torch.testing.assert_close(ours[1].cpu(), theirs[1], atol=1e-4, rtol=1e-3)


def test_batches_that_are_copied_ahead_are_complete(gpu, monkeypatch):
    """Many batches are collected before they are compared, to detect copies that were overwritten."""
    monkeypatch.setattr("framework.data.batches.BLOCK", 1)  # one block per batch
    copied, expected = (
        [list(one.at(step)) for step in range(25)] for one in (batches(gpu, "memory"), batches(gpu, "device"))
    )
    for ours, theirs in zip(copied, expected, strict=True):
        for (images, targets, _), (other, their_targets, _) in zip(ours, theirs, strict=True):
            assert torch.equal(images, other)
            assert torch.equal(targets, their_targets)


def test_several_small_batches_are_prepared_at_once(gpu):
    data = batches(gpu, "device")
    assert len(data.blocks.block_of(0)) == data.order.batches_per_epoch
