"""Which images come at which step: a function of (seed, epoch, step) alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from framework.components import Task
from framework.data.seeding import generator_at
from framework.registry import default_task

EPOCHS = 4
"""Epochs whose order is cached: images are read ahead into later epochs."""


@dataclass
class Order:
    """The images of each step, by index.

    A step takes `grad_accum_steps` batches of `batch_size` images. An epoch has as many whole steps as its images fill;
    the remaining images, different ones in each epoch, are dropped. With fewer images than one step, an epoch is one
    step of whole batches; with fewer than one batch, it is one batch of all images.
    """

    labels: Tensor
    """Int64 N or float32 N×K."""
    batch_size: int
    grad_accum_steps: int
    sampler: Literal["shuffled", "balanced"]
    seed: int
    task: Task = field(default_factory=default_task)
    _drawn: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict, init=False)
    """Order and keys of the last few epochs that were requested."""

    @property
    def images_per_batch(self) -> int:
        """Images in each batch."""
        return min(self.batch_size, len(self.labels))

    @property
    def batches_per_step(self) -> int:
        """Batches in one optimizer step."""
        return min(self.grad_accum_steps, len(self.labels) // self.images_per_batch)

    @property
    def images_per_step(self) -> int:
        """Images in one optimizer step."""
        return self.images_per_batch * self.batches_per_step

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one epoch."""
        return len(self.labels) // self.images_per_step

    @property
    def batches_per_epoch(self) -> int:
        """Batches in one epoch."""
        return self.steps_per_epoch * self.batches_per_step

    def indices(self, batches: range) -> Tensor:
        """The images of these batches, concatenated, int64 on the CPU.

        Batches are counted from the start of the run; these are all of one epoch.
        """
        return self._part(batches)[0]

    def keys(self, batches: range) -> Tensor:
        """The keys of the random numbers of these images, int64 on the CPU: each occurrence of an image has its own.

        The key of the first occurrence in an epoch is the index.
        """
        return self._part(batches)[1]

    def _part(self, batches: range) -> tuple[Tensor, Tensor]:
        epoch, first = divmod(batches.start, self.batches_per_epoch)
        start = first * self.images_per_batch
        part = slice(start, start + len(batches) * self.images_per_batch)
        order, keys = self._epoch(epoch)
        return order[part], keys[part]

    def _epoch(self, epoch: int) -> tuple[Tensor, Tensor]:
        if epoch not in self._drawn:
            generator = generator_at(self.seed, "order", epoch)
            if self.sampler == "shuffled":
                order = torch.randperm(len(self.labels), generator=generator)
            else:
                order = self.task.balanced_order(self.labels, generator)
            keys = order if self.sampler == "shuffled" else order + len(self.labels) * occurrences(order)
            while len(self._drawn) >= EPOCHS:
                del self._drawn[next(iter(self._drawn))]
            self._drawn[epoch] = order, keys
        return self._drawn[epoch]


def balanced(groups: Sequence[Tensor], number: int, generator: torch.Generator) -> Tensor:
    """`number` indices in random order, from every group equally often (to within one).

    A group is indices, int64; they are drawn in shuffled rounds. An index may be in several groups.
    """
    each, surplus = divmod(number, len(groups))
    one_more = torch.randperm(len(groups), generator=generator) < surplus
    drawn = []
    for members, extra in zip(groups, one_more.tolist(), strict=True):
        rounds = -(-(each + extra) // len(members))
        order = [members[torch.randperm(len(members), generator=generator)] for _ in range(rounds)]
        drawn.append(torch.cat(order)[: each + extra])
    everything = torch.cat(drawn)
    return everything[torch.randperm(len(everything), generator=generator)]


def occurrences(order: Tensor) -> Tensor:
    """How often each entry of int64 N occurs before its position, int64 N."""
    by_image = order.argsort(stable=True)
    _, counts = order.unique(return_counts=True)
    ranks = torch.arange(len(order)) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    result = torch.empty_like(order)
    result[by_image] = ranks
    return result
