"""Optimizers that need more than the gradients: second derivatives, or a closure that computes the loss again."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING

import torch

from framework.errors import UserError

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe


def is_second_order(optimizer: torch.optim.Optimizer) -> bool:
    """Whether `step()` differentiates the gradients, as its attribute `is_second_order` says (timm's convention)."""
    return bool(getattr(optimizer, "is_second_order", False))


def requires_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the argument `closure` of `step()` has no default, as in `torch.optim.LBFGS`."""
    return _class_requires_closure(type(optimizer))  # type: ignore[arg-type]


@functools.cache  # inspecting a signature in each step would take time
def _class_requires_closure(optimizer: type[torch.optim.Optimizer]) -> bool:
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    return closure is not None and closure.default is closure.empty


def require_unscaled(recipe: Recipe, optimizer: torch.optim.Optimizer, dtype: torch.dtype) -> None:
    """Raise `UserError` for one of them in float16, whose gradients are scaled."""
    if dtype == torch.float16 and (is_second_order(optimizer) or requires_closure(optimizer)):
        raise UserError(
            f"optimizer '{recipe.optimizer.name}' cannot be used in float16, whose gradients are scaled; set "
            "train.precision=bfloat16 or train.precision=float32"
        )
