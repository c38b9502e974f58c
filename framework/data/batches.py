"""The training batches: what comes at a step is a function of (seed, epoch, step) alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from framework.data.augment import Augmentation
from framework.data.growth import Growth, Stage
from framework.data.moment import Moment
from framework.data.order import Order
from framework.data.preprocess import Preprocessor
from framework.data.seeding import generator_at
from framework.data.stores.store import Store

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Batches:
    """Batches of a store by position, in the order that `order` gives."""

    store: Store
    preprocess: Preprocessor
    augmentation: Augmentation
    order: Order
    total_steps: int
    """Optimizer steps of the whole run."""
    device: torch.device
    channels_last: bool = True
    growth: Growth | None = None
    _coming: tuple[int, Iterator[Tensor]] | None = field(default=None, init=False)
    """A step, and the pixels of its batches and of all after it: those that stream are decoded ahead."""

    @property
    def images_per_step(self) -> int:
        """Images that one optimizer step sees."""
        return self.order.images_per_step

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one epoch."""
        return self.order.steps_per_epoch

    def stages(self) -> list[Stage]:
        """The image sizes of the run, in order."""
        if self.growth is not None:
            return self.growth.stages(self.total_steps)
        return [Stage((self.preprocess.height, self.preprocess.width), 0, self.total_steps)]

    def at(self, step: int) -> Iterator[tuple[Tensor, Tensor, float]]:
        """The batches of optimizer step `step` (from 0).

        Each is images, normalised float32 B×C×H×W; targets, class probabilities B×K; and its share of the step.
        """
        seed = self.order.seed
        generator = generator_at(seed, "augment", step)
        coming = self._pixels_from(step)
        for indices in self.order.at(step):
            moment = Moment(indices, step // self.steps_per_epoch, step / self.total_steps, seed)
            images, targets = self._batch(next(coming), moment, step, generator)
            yield images, targets, len(indices) / self.images_per_step
        self._coming = step + 1, coming

    def _pixels_from(self, step: int) -> Iterator[Tensor]:
        """Of the batches of that step and all after it: those that are under way already, where it is their turn."""
        coming, self._coming = self._coming, None
        if coming is not None and coming[0] == step:
            return coming[1]
        return self.store.pixels.batches(self.order.batches_from(step))

    def _batch(self, pixels: Tensor, moment: Moment, step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images = pixels.to(self.device)
        if self.growth is not None:
            images = F.interpolate(images.div(255), self.growth.size_at(step), mode="bilinear", antialias=True)
        targets = F.one_hot(self.store.labels[moment.indices], len(self.store.classes)).to(self.device).float()
        images, targets = self.augmentation(images, targets, generator, moment)
        images = self.preprocess.normalised(images)
        if self.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return images, targets
