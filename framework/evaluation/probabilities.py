"""From logits to probabilities, by the activation that the network was trained with.

`softmax`: a distribution over the classes. `sigmoid`: for each class the probability of that class against all others,
as trained by binary cross entropy; a row need not sum to one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from framework.components import Activation
from framework.errors import UserError

BLOCK = 1 << 24
"""Logits per block: a float64 copy of all logits of 10,000 classes would not fit into memory."""


def checked_activation(name: object, where: str) -> Activation:
    """The activation of that name; raises `UserError` if there is none."""
    for known in get_args(Activation):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise UserError(f"{where}: activation() returns {name!r}; it must return one of {', '.join(get_args(Activation))}")


def probabilities(logits: Tensor, activation: Activation) -> Tensor:
    """Probabilities B×K of logits B×K, in the same precision."""
    return logits.sigmoid() if activation == "sigmoid" else logits.softmax(dim=1)


def logits_of(values: Tensor, activation: Activation) -> Tensor:
    """Logits B×K of probabilities B×K, in the same precision; finite for 0 and 1."""
    tiny = torch.finfo(values.dtype).tiny
    if activation == "sigmoid":
        return values.clamp(min=tiny).log() - torch.log1p(-values.clamp(max=1 - torch.finfo(values.dtype).eps))
    return values.clamp(min=tiny).log()


def losses(logits: Tensor, labels: Tensor, activation: Activation) -> Tensor:
    """The loss of each image without label smoothing or weights: N losses of logits N×K.

    `labels` is int64 N, or targets N×K. Cross entropy of the softmax, or binary cross entropy summed over the classes.
    """
    if activation == "sigmoid":
        return F.softplus(logits).sum(dim=1) - logits_of_true(logits, labels)
    return F.cross_entropy(logits, labels if labels.ndim == 1 else labels.to(logits.dtype), reduction="none")


def logits_of_true(logits: Tensor, labels: Tensor) -> Tensor:
    """The logits N of the true classes, int64 N, or the sum of the logits weighted by targets N×K."""
    if labels.ndim == 1:
        return logits.gather(1, labels[:, None])[:, 0]
    return (logits * labels).sum(dim=1)


def highest_probabilities(logits: Tensor, activation: Activation) -> Tensor:
    """The highest probability of each row, float64 N."""
    return torch.cat([probabilities(block.double(), activation).amax(dim=1) for (block,) in blocks(logits)])


def blocks(logits: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The rows of logits N×K in blocks of up to `BLOCK` numbers, with the same rows of the other tensors."""
    rows = max(1, BLOCK // logits.shape[1])
    yield from zip(*(tensor.split(rows) for tensor in (logits, *others)), strict=True)
