"""The training batches: a function of (seed, epoch, step) alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from framework.data.augment import Augmentation
from framework.data.blocks import Blocks
from framework.data.order import Order
from framework.data.preprocess import Normalization, Preprocessor
from framework.data.progressive_resize import ImageSizeSchedule, SizePhase
from framework.data.rng import BatchPosition
from framework.data.stores.store import Store
from framework.data.uploading import sent, uploaded

BLOCK = 2**23
"""Pixel values that a GPU prepares at a time: for small batches, launching operations takes longer than the work."""


class MicroBatch(NamedTuple):
    """The images of one forward pass, on the training device."""

    images: Tensor
    """The input of the network, normalised float32 B×C×H×W, after augmentation."""
    targets: Tensor
    """Class probabilities, float32 B×K."""
    fraction: float
    """The fraction of the step's images; the loss is multiplied by it."""


@dataclass
class Batches:
    """Batches of a store by position, in the order of `order`.

    On a GPU several batches of small images, a block, are augmented together. This does not change them: the random
    numbers of an image do not depend on its batch. Nothing here waits for the device.
    """

    store: Store
    preprocess: Preprocessor
    augmentation: Augmentation
    order: Order
    total_steps: int
    """Optimizer steps of the run."""
    device: torch.device
    channels_last: bool = True
    image_sizes: ImageSizeSchedule | None = None
    blocks: Blocks = field(init=False)
    _labels: Tensor = field(init=False)
    """Int64 N, on the device."""
    _classes: Tensor = field(init=False)
    """From 0 to K - 1, on the device."""
    _normalization: Normalization = field(init=False)
    _ahead: tuple[range, Iterator[Tensor]] | None = field(default=None, init=False)
    """The next block, and the pixels from that block on, which are read, decoded and copied ahead."""
    _prepared: tuple[range, Tensor, Tensor] | None = field(default=None, init=False)
    """The current block, its images and targets, ready for the network."""

    def __post_init__(self) -> None:
        self.blocks = Blocks(self.order, self.augmentation, self.image_sizes, self.total_steps, self._most_at_once())
        self._labels = self.store.labels.to(self.device)
        self._classes = torch.arange(len(self.store.classes), device=self.device)
        self._normalization = self.preprocess.normalization(self.device)

    @property
    def images_per_step(self) -> int:
        """Images in one optimizer step."""
        return self.order.images_per_step

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.store.classes)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one epoch."""
        return self.order.steps_per_epoch

    def size_phases(self) -> list[SizePhase]:
        """The image sizes of the run, in order."""
        if self.image_sizes is not None:
            return self.image_sizes.phases(self.total_steps)
        return [SizePhase((self.preprocess.height, self.preprocess.width), 0, self.total_steps)]

    def at(self, step: int) -> Iterator[MicroBatch]:
        """The batches of optimizer step `step` (from 0)."""
        number, size = self.order.batches_per_step, self.order.images_per_batch
        for batch in range(step * number, (step + 1) * number):
            block, images, targets = self._prepared_with(batch)
            place = slice((batch - block.start) * size, (batch - block.start + 1) * size)
            yield MicroBatch(images[place], targets[place], 1 / number)

    def _prepared_with(self, batch: int) -> tuple[range, Tensor, Tensor]:
        """The block that contains the batch."""
        if self._prepared is None or batch not in self._prepared[0]:
            block = self.blocks.block_of(batch)
            if self._ahead is None or self._ahead[0] != block:
                indices = self.blocks.indices_from(block)
                self._ahead = block, uploaded(self.store.pixels.batches(indices), self.device)
            pixels = self._ahead[1]
            self._prepared = block, *self._prepare(next(pixels), block)
            self._ahead = self.blocks.block_of(block.stop), pixels
        return self._prepared

    def _prepare(self, images: Tensor, block: range) -> tuple[Tensor, Tensor]:
        """Normalised images and targets, from pixels uint8 B×C×H×W."""
        position = BatchPosition(
            sent(self.order.indices(block), self.device),
            self.order.seed,
            block.start // self.order.batches_per_epoch,
            block.start,
            self.order.images_per_batch,
            self.blocks.progress(block.start),
            sent(self.order.keys(block), self.device) if self.order.sampler == "balanced" else None,
        )
        if size := self.blocks.size(block.start):
            images = F.interpolate(images.div(255), size, mode="bilinear", antialias=True)
        targets = (self._labels[position.indices][:, None] == self._classes).float()
        images, targets = self.augmentation(images, targets, position)
        images = self._normalization(images)
        if self.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return images, targets

    def _most_at_once(self) -> int:
        """Batches in a block. On the CPU they are prepared one by one, which fits its caches.

        Streamed batches too: workers return them in shared memory, which is limited in containers.
        """
        if self.device.type == "cpu" or self.store.pixels.place == "stream":
            return 1
        values = self.order.images_per_batch * self.preprocess.channels * self.preprocess.height * self.preprocess.width
        return max(1, BLOCK // values)
