"""From logits to probabilities, by the activation that the network was trained with.

`softmax`: one distribution over the classes. `sigmoid`: for each class the probability of that class against the rest,
as binary cross entropy trains it; a row need not sum to one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

import torch
from torch.nn import functional as F

from framework.components import Activation
from framework.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 1 << 24
"""Logits that are computed with at a time: a float64 copy of those of 10,000 classes would not fit into memory."""


def checked_activation(name: object, whose: str) -> Activation:
    """The activation of that name; raises `UserError` where there is none."""
    for known in get_args(Activation):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise UserError(f"{whose}: activation() gives {name!r}; it must give one of {', '.join(get_args(Activation))}")


def probabilities(logits: Tensor, activation: Activation) -> Tensor:
    """B×K probabilities of logits B×K, in their precision."""
    return logits.sigmoid() if activation == "sigmoid" else logits.softmax(dim=1)


def logits_of(values: Tensor, activation: Activation) -> Tensor:
    """Logits B×K that have these probabilities, in their precision; 0 and 1 give finite ones."""
    tiny = torch.finfo(values.dtype).tiny
    if activation == "sigmoid":
        return values.clamp(min=tiny).log() - torch.log1p(-values.clamp(max=1 - torch.finfo(values.dtype).eps))
    return values.clamp(min=tiny).log()


def losses(logits: Tensor, labels: Tensor, activation: Activation) -> Tensor:
    """What training minimises for each image, without label smoothing or weights: N losses of N×K and int64 N.

    Cross entropy of the softmax, or binary cross entropy summed over the classes.
    """
    if activation == "sigmoid":
        of_true = logits.gather(1, labels[:, None])[:, 0]
        return F.softplus(logits).sum(dim=1) - of_true
    return F.cross_entropy(logits, labels, reduction="none")


def confidences(logits: Tensor, activation: Activation) -> Tensor:
    """The highest probability of each row, float64 N."""
    return torch.cat([probabilities(block.double(), activation).amax(dim=1) for (block,) in blocks(logits)])


def blocks(logits: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The rows of N×K in parts of at most `BLOCK` numbers, each with the same rows of the other tensors."""
    rows = max(1, BLOCK // logits.shape[1])
    yield from zip(*(tensor.split(rows) for tensor in (logits, *others)), strict=True)
