"""Recalibration of batch normalisation: averaged weights need recomputed statistics.

Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018; for weights that are not
averaged: Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from framework.data.spacing import evenly_spaced
from framework.data.stores.store import Store
from framework.evaluation.evaluate import Evaluator

BatchNorm = nn.modules.batchnorm._BatchNorm


@torch.no_grad()
def recalibrate_bn(
    model: nn.Module, store: Store, evaluator: Evaluator, batches: int, frozen: Collection[str] = ()
) -> None:
    """Replace the running statistics by their means over `batches` batches of training images.

    The images are preprocessed as in evaluation: augmented images, above all mixed ones, have other means and
    variances. They are always the same, evenly spread over the split. Modules named in `frozen` keep their statistics.
    """
    norms = recalibrated(model, frozen)
    if not norms:
        return
    model.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # cumulative mean instead of a moving one
        norm.training = True  # not `train()`: timm's modules contain dropout and activations
    for images in store.pixels.batches(spread(len(store), batches, evaluator.batch_size)):
        evaluator.forward(model, evaluator.inputs(images))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def recalibrated(model: nn.Module, frozen: Collection[str] = ()) -> list[BatchNorm]:
    """The modules with running statistics, except those named in `frozen`."""
    return [
        module
        for name, module in model.named_modules()
        if isinstance(module, BatchNorm) and module.track_running_stats and name not in frozen
    ]


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Batch normalisation in training mode uses the statistics of the batch and does not update its running ones."""
    norms = recalibrated(model)
    for norm in norms:
        norm.track_running_stats = False  # a momentum of 0 would still add 0 × inf, and count the batch
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def spread(total: int, batches: int, batch_size: int) -> list[Tensor]:
    """Int64 indices of up to `batches` batches, evenly spread over `total` images: they are often sorted by class."""
    chosen = evenly_spaced(total, batches * batch_size)
    number = -(-len(chosen) // batch_size)
    return [chosen[first::number] for first in range(number)]
