from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pytest
import torch

from framework import ImageArrays
from framework.data.augment import Augmentation
from framework.data.batches import Batches
from framework.data.blocks import Blocks
from framework.data.order import Order, occurrences
from framework.data.preprocess import Preprocessor
from framework.data.progressive_resize import ImageSizeSchedule
from framework.data.seeding import generator_at, seed_at
from framework.data.stores.build import build_store
from framework.registry import default_task

PREPROCESS = Preprocessor(2, 2, 1, "crop")


def batches(
    number=20,
    batch_size=4,
    grad_accum_steps=1,
    sampler="shuffled",
    seed=0,
    labels=None,
    transforms=(),
    preprocess=PREPROCESS,
):
    """Image i is filled with i."""
    images = np.zeros((number, 1, 2, 2), np.uint8) + np.arange(number, dtype=np.uint8)[:, None, None, None]
    labels = [index % 2 for index in range(number)] if labels is None else labels
    store = build_store(ImageArrays(images, labels, ("cat", "dog", "fox")), PREPROCESS)
    augmentation = Augmentation(transforms, (2, 2))
    order = Order(store.labels, batch_size, grad_accum_steps, sampler, seed)
    return Batches(store, preprocess, augmentation, order, 8, torch.device("cpu"))


@dataclass(frozen=True)
class Recorder:
    """A transform that is a function of the test's."""

    record: Callable
    after = until = None

    def acts_at(self, progress):
        return True

    def build(self):
        return self.record


def indices(data, step):
    """The images of a step, batch by batch."""
    return [(images[:, 0, 0, 0] * 255).round().int().tolist() for images, _, _ in data.at(step)]


def epoch(data, number=0):
    steps = range(number * data.steps_per_epoch, (number + 1) * data.steps_per_epoch)
    return [index for step in steps for batch in indices(data, step) for index in batch]


def test_a_step_does_not_depend_on_the_steps_before():
    from framework_torch.transforms import Mixup, Rotate

    transforms = (Rotate(degrees=90), Mixup())
    walked, fresh = batches(transforms=transforms), batches(transforms=transforms)
    for step in range(7):
        list(walked.at(step))
    for (images, targets, _), (others, their_targets, _) in zip(walked.at(7), fresh.at(7), strict=True):
        assert torch.equal(images, others)
        assert torch.equal(targets, their_targets)


def test_a_step_does_not_touch_the_global_random_state():
    state = torch.random.get_rng_state()
    list(batches().at(3))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_each_step_and_each_of_its_batches_is_augmented_anew():
    drawn = []

    def record(images, targets, rng):
        drawn.append(rng.uniform().sum().item())
        return images, targets

    data = batches(grad_accum_steps=2, transforms=[Recorder(record)])
    for step in range(3):
        list(data.at(step))
    assert len(set(drawn)) == 6


def test_each_batch_comes_with_its_position():
    positions = []

    def record(images, targets, rng):
        positions.append((rng.position, (images[:, 0, 0, 0] * 255).round().int().tolist()))
        return images, targets

    data = batches(grad_accum_steps=2, seed=3, transforms=[Recorder(record)])
    list(data.at(5))
    for position, images in positions:
        assert position.indices.tolist() == images
        assert (position.epoch, position.progress, position.seed) == (2, 5 / 8, 3)
    assert [position.batch for position, _ in positions] == [10, 11]


def test_another_seed_gives_another_order():
    assert epoch(batches(seed=0)) != epoch(batches(seed=1))


def test_every_image_comes_once_an_epoch():
    assert sorted(epoch(batches(20, 4))) == list(range(20))


def test_the_incomplete_batch_is_left_out_and_differs_by_epoch():
    data = batches(22, 4)
    assert data.steps_per_epoch == 5
    seen = [set(epoch(data, number)) for number in range(6)]
    assert all(len(images) == 20 for images in seen)
    assert len({frozenset(set(range(22)) - images) for images in seen}) > 1


def test_each_epoch_has_an_order_of_its_own():
    data = batches()
    assert len({tuple(epoch(data, number)) for number in range(5)}) == 5


def test_accumulation_splits_a_step_into_batches_of_equal_shares():
    data = batches(24, 4, grad_accum_steps=3)
    assert data.steps_per_epoch == 2
    assert [len(batch) for batch in indices(data, 0)] == [4, 4, 4]
    assert sum(share for _, _, share in data.at(0)) == pytest.approx(1)


def test_an_accumulated_step_sees_the_images_of_one_large_batch():
    small, large = batches(24, 4, grad_accum_steps=3), batches(24, 12)
    assert list(chain(*indices(small, 1))) == list(chain(*indices(large, 1)))


def test_a_store_smaller_than_a_step_is_one_step_of_whole_batches():
    data = batches(10, 4, grad_accum_steps=8)
    assert data.steps_per_epoch == 1
    assert [len(batch) for batch in indices(data, 0)] == [4, 4]
    assert data.images_per_step == 8


def test_a_store_smaller_than_a_batch_is_one_batch():
    data = batches(5, 64, grad_accum_steps=2)
    assert data.steps_per_epoch == 1
    assert sorted(epoch(data)) == [0, 1, 2, 3, 4]


def test_targets_are_the_labels_as_probabilities():
    data = batches(6, 6, labels=[0, 1, 2, 2, 1, 0])
    ((images, targets, _),) = data.at(0)
    order = (images[:, 0, 0, 0] * 255).round().int().tolist()
    assert targets.tolist() == [np.eye(3)[[0, 1, 2, 2, 1, 0][index]].tolist() for index in order]


def test_images_are_normalised_after_augmentation():
    data = batches(4, 4, preprocess=Preprocessor(2, 2, 1, "crop", (0.5,), (0.25,)))
    ((images, _, _),) = data.at(0)
    torch.testing.assert_close(images.amax(), torch.tensor((3 / 255 - 0.5) / 0.25))


def test_channels_last_changes_the_layout_alone():
    data = batches(8, 8)
    other = batches(8, 8)
    other.channels_last = False
    ((last, _, _),), ((first, _, _),) = data.at(0), other.at(0)
    assert torch.equal(last, first)
    assert first.is_contiguous()
    assert last.is_contiguous(memory_format=torch.channels_last)


def test_the_balanced_sampler_draws_every_class_equally_often():
    labels = torch.tensor([0] * 25 + [1] * 4 + [2])
    drawn = labels[default_task().balanced_order(labels, generator_at(0))]
    assert drawn.bincount().tolist() == [10, 10, 10]


@pytest.mark.parametrize("seed", range(20))
def test_the_balanced_sampler_is_even_to_within_one_and_keeps_the_length(seed):
    labels = torch.tensor([0] * 8 + [1, 2, 2, 3])
    labels = torch.cat([labels, labels[:2]])  # 14 images, 4 classes
    counts = labels[default_task().balanced_order(labels, generator_at(seed))].bincount()
    assert counts.sum() == 14
    assert counts.max() - counts.min() <= 1


def test_the_balanced_sampler_uses_every_image_of_a_rare_class_as_often():
    labels = torch.tensor([0] * 15 + [1] * 3)
    drawn = default_task().balanced_order(labels, generator_at(0))
    rare = drawn[drawn >= 15].bincount()[15:]
    assert rare.tolist() == [3, 3, 3]


def test_the_balanced_sampler_passes_over_absent_classes():
    data = batches(12, 6, sampler="balanced", labels=[0] * 9 + [2] * 3)
    seen = torch.cat([targets.argmax(dim=1) for step in range(2) for _, targets, _ in data.at(step)])
    assert sorted(seen.tolist()) == [0] * 6 + [2] * 6


def test_seeds_differ_in_every_part_of_the_position():
    positions = [("order", 0), ("order", 1), ("augment", 0), ("order", 0, 1), ("order", 10)]
    assert len({seed_at(seed, *position) for seed in (0, 1) for position in positions}) == 10
    assert all(0 <= seed_at(0, *position) < 2**63 for position in positions)


def test_an_image_that_is_drawn_again_gets_other_random_numbers():
    drawn = {}

    def record(images, targets, rng):
        for index, value in zip(rng.indices.tolist(), rng.uniform().tolist(), strict=True):
            drawn.setdefault(index, []).append(value)
        return images, targets

    data = batches(20, 5, sampler="balanced", labels=[0] * 18 + [1] * 2, transforms=[Recorder(record)])
    for step in range(data.steps_per_epoch):
        list(data.at(step))
    assert [len(drawn[rare]) for rare in (18, 19)] == [5, 5]
    assert all(len(set(values)) == len(values) for values in drawn.values())


def test_occurrences_count_what_came_before():
    assert occurrences(torch.tensor([3, 1, 3, 3, 0, 1])).tolist() == [0, 0, 1, 2, 0, 1]


def blocks(number=64, most=8, image_sizes=None, transforms=(), total_steps=16, grad_accum_steps=1):
    order = Order(torch.zeros(number, dtype=torch.int64), 4, grad_accum_steps, "shuffled", 0)
    return Blocks(order, Augmentation(transforms, (32, 32)), image_sizes, total_steps, most)


def laid_out(some, end):
    """The blocks that hold the batches before `end`, each seen from every one of its batches."""
    found = [some.block_of(batch) for batch in range(end)]
    assert all(batch in block for batch, block in enumerate(found))
    assert all(some.block_of(other) == block for block in found for other in block)
    return [(block.start, block.stop) for block in dict.fromkeys(found)]


def test_blocks_end_with_the_epoch():
    assert laid_out(blocks(number=48), 24) == [(0, 8), (8, 12), (12, 20), (20, 24)]


def test_blocks_end_where_a_transform_begins_or_ends():
    from framework_torch.transforms import Mixup

    some = blocks(transforms=[Mixup(after=0.2, until=0.6)], total_steps=30)
    assert laid_out(some, 32) == [(0, 6), (6, 14), (14, 16), (16, 18), (18, 26), (26, 32)]
    for first, last in laid_out(some, 32):
        assert len({some.augmentation.acting(some.progress(batch)) for batch in range(first, last)}) == 1


def test_blocks_end_where_images_grow():
    some = blocks(image_sizes=ImageSizeSchedule(16, 10, (48, 48)), total_steps=16)
    for first, last in laid_out(some, 16):
        assert len({some.size(batch) for batch in range(first, last)}) == 1
    assert len(laid_out(some, 16)) == 3


def test_a_block_may_hold_the_batches_of_several_steps_and_a_part_of_one():
    assert laid_out(blocks(number=96, most=5, grad_accum_steps=3), 24) == [
        (0, 5),
        (5, 10),
        (10, 15),
        (15, 20),
        (20, 24),
    ]
