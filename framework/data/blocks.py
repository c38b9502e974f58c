"""Which batches are prepared together: a GPU takes longer to launch an operation on one small batch than to do it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.data.augment import Augmentation
from framework.data.growth import Growth
from framework.data.order import Order

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
    growth: Growth | None
    total_steps: int
    most: int

    def block_of(self, batch: int) -> range:
        """The batches that are prepared together with that one."""
        per_epoch = self.order.batches_per_epoch
        epoch = batch // per_epoch * per_epoch
        first = epoch + (batch - epoch) // self.most * self.most
        block = range(first, min(first + self.most, epoch + per_epoch))
        return block if len({self._settings(each) for each in block}) == 1 else range(batch, batch + 1)

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
        return self.growth.size_at(self._step(batch)) if self.growth is not None else None

    def _step(self, batch: int) -> int:
        return batch // self.order.batches_per_step

    def _settings(self, batch: int) -> tuple[object, ...]:
        """What batches of one block have in common."""
        return self.size(batch), self.augmentation.acting(self.progress(batch))
