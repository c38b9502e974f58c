"""Which batches are prepared together: a GPU takes longer to launch an operation on one small batch than to do it."""

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
    """Batches of one epoch that have one image size and the same transforms, up to `most` at a time.

    Batches are counted from the start of the run. Where blocks begin follows from that alone, so that a resumed run
    has the same ones.
    """

    order: Order
    augmentation: Augmentation
    image_sizes: ImageSizeSchedule | None
    total_steps: int
    most: int

    def block_of(self, batch: int) -> range:
        """The batches that are prepared together with that one."""
        per_epoch = self.order.batches_per_epoch
        epoch = batch // per_epoch * per_epoch
        place = bisect_right(self._changes, batch)
        start = max(epoch, self._changes[place - 1] if place else 0)
        stop = min(epoch + per_epoch, self._changes[place] if place < len(self._changes) else epoch + per_epoch)
        first = start + (batch - start) // self.most * self.most
        return range(first, min(first + self.most, stop))

    def indices_from(self, block: range) -> Iterator[Tensor]:
        """The images of that block and of all after it, int64 each, without end."""
        while True:
            yield self.order.indices(block)
            block = self.block_of(block.stop)

    def progress(self, batch: int) -> float:
        """Fraction of the optimizer steps that are done before that batch's."""
        return self._step(batch) / self.total_steps

    def size(self, batch: int) -> tuple[int, int] | None:
        """Height and width that images are brought to for that batch, where they are not those of the store."""
        return self.image_sizes.size_at(self._step(batch)) if self.image_sizes is not None else None

    @cached_property
    def _changes(self) -> list[int]:
        """The first batch of each step at which the image size or the acting transforms change, in order."""
        phases = self.image_sizes.phases(self.total_steps) if self.image_sizes is not None else []
        steps = {phase.start for phase in phases}
        for transform in self.augmentation.transforms:
            steps |= {self._first_step(fraction) for fraction in (transform.after, transform.until) if fraction}
        return sorted(step * self.order.batches_per_step for step in steps if step)

    def _first_step(self, fraction: float) -> int:
        """The first one at which that fraction of the steps is done, by the arithmetic of `progress`."""
        step = math.floor(fraction * self.total_steps)
        return step if step / self.total_steps >= fraction else step + 1

    def _step(self, batch: int) -> int:
        return batch // self.order.batches_per_step
