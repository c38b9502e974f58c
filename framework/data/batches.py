"""The training batches: what comes at a step is a function of (seed, epoch, step) alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional as F

from framework.data.augment import Augmentation
from framework.data.growth import Growth, Stage
from framework.data.preprocess import Preprocessor
from framework.data.seeding import generator_at
from framework.data.store import Store

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Batches:
    """Batches of a store by position.

    A step takes `accumulate` batches of `batch_size` images. An epoch has as many whole steps as its images fill; the
    rest is left out, other images each epoch. A store smaller than one step is one step of as many whole batches as it
    fills, and a store smaller than one batch is one batch.
    """

    store: Store
    preprocess: Preprocessor
    augmentation: Augmentation
    batch_size: int
    accumulate: int
    sampler: Literal["shuffled", "balanced"]
    seed: int
    device: torch.device
    channels_last: bool = True
    growth: Growth | None = None
    _orders: dict[int, Tensor] = field(default_factory=dict, init=False)
    _coming: tuple[int, Iterator[Tensor]] | None = field(default=None, init=False)
    """A step, and the pixels of its batches and of all after it: those that stream are decoded ahead."""

    @property
    def images_per_step(self) -> int:
        """Images that one optimizer step sees."""
        batch_size = min(self.batch_size, len(self.store))
        return batch_size * min(self.accumulate, len(self.store) // batch_size)

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one epoch."""
        return len(self.store) // self.images_per_step

    def stages(self, total_steps: int) -> list[Stage]:
        """The image sizes of a run of so many steps, in order."""
        if self.growth is not None:
            return self.growth.stages(total_steps)
        return [Stage((self.preprocess.height, self.preprocess.width), 0, total_steps)]

    def at(self, step: int) -> Iterator[tuple[Tensor, Tensor, float]]:
        """The batches of optimizer step `step` (from 0).

        Each is images, normalised float32 B×C×H×W; targets, class probabilities B×K; and its share of the step.
        """
        indices = self._indices(step)
        generator = generator_at(self.seed, "augment", step)
        coming = self._pixels_from(step)
        for chunk in indices.split(self.batch_size):
            images, targets = self._batch(next(coming), chunk, step, generator)
            yield images, targets, len(chunk) / len(indices)
        self._coming = step + 1, coming

    def _pixels_from(self, step: int) -> Iterator[Tensor]:
        """Of the batches of that step and all after it: those that are under way already, where it is their turn."""
        coming, self._coming = self._coming, None
        if coming is not None and coming[0] == step:
            return coming[1]
        later = itertools.count(step)
        return self.store.pixels.batches(chunk for at in later for chunk in self._indices(at).split(self.batch_size))

    def _indices(self, step: int) -> Tensor:
        epoch, within = divmod(step, self.steps_per_epoch)
        start = within * self.images_per_step
        return self._epoch_order(epoch)[start : start + self.images_per_step]

    def _batch(self, pixels: Tensor, indices: Tensor, step: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images = pixels.to(self.device).float().div_(255)
        if self.growth is not None:
            images = F.interpolate(images, self.growth.size_at(step), mode="bilinear", antialias=True)
        targets = F.one_hot(self.store.labels[indices], len(self.store.classes)).to(self.device).float()
        images, targets = self.augmentation(images, targets, generator)
        images = self.preprocess.normalised(images)
        if self.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        return images, targets

    def _epoch_order(self, epoch: int) -> Tensor:
        if epoch not in self._orders:
            generator = generator_at(self.seed, "order", epoch)
            draw = shuffled if self.sampler == "shuffled" else balanced
            # The one before stays: what is decoded ahead may be of the next epoch already.
            before = {known: order for known, order in self._orders.items() if known == epoch - 1}
            self._orders = {**before, epoch: draw(self.store.labels, generator)}
        return self._orders[epoch]


def shuffled(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Every index once, in random order."""
    return torch.randperm(len(labels), generator=generator)


def balanced(labels: Tensor, generator: torch.Generator) -> Tensor:
    """As many indices as there are labels, every class equally often (to within one), each class in shuffled rounds."""
    classes = labels.unique()
    each, surplus = divmod(len(labels), len(classes))
    one_more = torch.randperm(len(classes), generator=generator) < surplus
    drawn = []
    for label, extra in zip(classes, one_more.tolist(), strict=True):
        members = (labels == label).nonzero().flatten()
        rounds = -(-(each + extra) // len(members))
        order = [members[torch.randperm(len(members), generator=generator)] for _ in range(rounds)]
        drawn.append(torch.cat(order)[: each + extra])
    everything = torch.cat(drawn)
    return everything[torch.randperm(len(everything), generator=generator)]
