"""Statistics of batch normalisation, estimated anew for weights that no training step has seen as they are.

An average of weights has activations of its own: the running means and variances that were gathered along the way are
of other weights. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018; for
weights that were not averaged: Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import torch
from torch import nn

from framework.data.spacing import evenly_spaced

if TYPE_CHECKING:
    from torch import Tensor

    from framework.data.stores.store import Store
    from framework.evaluation.evaluate import Evaluator

BATCH_NORMS = (nn.modules.batchnorm._BatchNorm,)


@torch.no_grad()
def recalibrate_bn(
    model: nn.Module, store: Store, evaluator: Evaluator, batches: int, still: Collection[str] = ()
) -> None:
    """Replace the running statistics by their means over so many batches of training images.

    Images are shown as in evaluation, in float32 and not augmented, with dropout off: that is what the statistics are
    for. Augmented ones, mixed ones above all, have other means and variances than the images that will be asked about.
    Which images: evenly spread, always the same. Modules named in `still` keep what they have.
    """
    norms = refreshed(model, still)
    if not norms:
        return
    model.eval()
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # means over all batches, not running ones
        norm.training = True  # not `train()`: timm's have dropout and activations inside
    for images in store.pixels.batches(spread(len(store), batches, evaluator.batch_size)):
        evaluator.forward(model, evaluator.inputs(images))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.eval()


def refreshed(model: nn.Module, still: Collection[str] = ()) -> list[nn.modules.batchnorm._BatchNorm]:
    """The modules with running statistics, but for those named in `still`."""
    return [
        module
        for name, module in model.named_modules()
        if isinstance(module, BATCH_NORMS) and module.track_running_stats and name not in still
    ]


def spread(total: int, batches: int, batch_size: int) -> list[Tensor]:
    """Indices of up to `batches` batches, evenly spread over `total` images and over the batches, int64 each.

    Sources are sorted by class, as a rule; so every batch has all of them.
    """
    chosen = evenly_spaced(total, batches * batch_size)
    number = -(-len(chosen) // batch_size)
    return [chosen[first::number] for first in range(number)]
