"""Sharpness-aware minimisation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from framework import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from framework import TrainingStep


@dataclass(frozen=True)
class SharpnessAware:
    """The gradients at the weights w + e; e is rho · g / |g|, or with `adaptive` rho · w² g / |w g|."""

    rho: float
    adaptive: bool

    def __call__(self, step: TrainingStep) -> Iterator[tuple[Tensor, Tensor]]:
        """Two forward and backward passes for each micro-batch."""
        if step.second_order:
            raise UserError(
                "method 'sam' moves the weights between two passes, and cannot be used with an optimizer that needs "
                "second derivatives; choose another optimizer, or method=supervised"
            )
        batches = []
        for batch in step.batches:
            loss, logits = step.forward(batch)
            step.backward(loss, batch)
            batches.append(batch)
            yield loss, logits
        with perturbed(step.model.parameters(), self.rho, self.adaptive), step.frozen_statistics():
            step.model.zero_grad(set_to_none=True)
            step.seed()
            for batch in batches:
                loss, _ = step.forward(batch)
                step.backward(loss, batch)


@contextmanager
def perturbed(parameters: Iterable[nn.Parameter], rho: float, adaptive: bool) -> Iterator[None]:
    """A context in which the weights are moved along their gradients; they are restored to the last bit.

    A constant factor of all gradients, as in float16, has no effect. If a gradient is not finite, the weights are not
    finite either, nor are the next gradients, so that a scaler skips the step.
    """
    weights: list[Tensor] = [parameter for parameter in parameters if parameter.grad is not None]
    with torch.no_grad():
        before = [weight.clone() for weight in weights]
        directions = scaled = [weight.grad for weight in weights if weight.grad is not None]
        if adaptive:
            scaled = list(torch._foreach_mul(torch._foreach_abs(before), directions))
            directions = list(torch._foreach_mul(torch._foreach_mul(before, before), directions))
        factor = rho / (nn.utils.get_total_norm(scaled) + 1e-12)
        moves: Any = torch._foreach_mul(directions, factor)
        torch._foreach_add_(weights, moves)
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(weights, before)
