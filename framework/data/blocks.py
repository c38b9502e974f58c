"""Which batches are prepared together: on a GPU, launching an operation on a small batch takes longer than the work."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from framework.data.augment import Augmentation
from framework.data.order import Order
from framework.data.progressive_resize import ImageSizeSchedule

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Blocks:
    """Blocks of up to `most` batches of one epoch with the same image size and the same transforms.

    Batches are counted from the start of the run. Blocks depend on that number alone: a resumed run has the same ones.
    """

    order: Order
    augmentation: Augmentation
    image_sizes: ImageSizeSchedule | None
    total_steps: int
    most: int

    def block_of(self, batch: int) -> range:
        """The batches that are prepared together with this one."""
        per_epoch = self.order.batches_per_epoch
        epoch = batch // per_epoch * per_epoch
        position = bisect_right(self._changes, batch)
        start = max(epoch, self._changes[position - 1] if position else 0)
        stop = min([epoch + per_epoch, *self._changes[position : position + 1]])
        first = start + (batch - start) // self.most * self.most
        return range(first, min(first + self.most, stop))

    def indices_from(self, block: range) -> Iterator[Tensor]:
        """The images of this block and of all later ones, int64 each, endlessly."""
        while True:
            yield self.order.indices(block)
            block = self.block_of(block.stop)

    def progress(self, batch: int) -> float:
        """Fraction of the optimizer steps that are done before the step of this batch."""
        return self._step(batch) / self.total_steps

    def size(self, batch: int) -> tuple[int, int] | None:
        """Height and width that images are resized to for this batch, or None for those of the store."""
        return self.image_sizes.size_at(self._step(batch)) if self.image_sizes is not None else None

    @cached_property
    def _changes(self) -> list[int]:
        """The first batch of each step at which the image size or the active transforms change, in order."""
        phases = self.image_sizes.phases(self.total_steps) if self.image_sizes is not None else []
        steps = {phase.start for phase in phases}
        for transform in self.augmentation.transforms:
            steps |= {self._first_step(fraction) for fraction in (transform.after, transform.until) if fraction}
        return sorted(step * self.order.batches_per_step for step in steps if step)

    def _first_step(self, fraction: float) -> int:
        """The first step at which this fraction of the steps is done, with the rounding of `progress`."""
        step = math.floor(fraction * self.total_steps)
        return step if step / self.total_steps >= fraction else step + 1

    def _step(self, batch: int) -> int:
        return batch // self.order.batches_per_step
