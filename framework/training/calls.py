"""Calls into the components of a session: faults are attributed to the component and its plugin.

Only types and shapes are checked, so that no call waits for the device; `probe.py` checks values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from framework.attribution import attributed_to, fault
from framework.components import build
from framework.evaluation.evaluate import described, require_logits
from framework.training.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.components import Loss, Model
    from framework.recipe.sections import Recipe
    from framework.training.criterion import Criterion
    from framework.training.precision import Precision

SCHEDULER_MEMBERS = ("step", "optimizer", "state_dict", "load_state_dict")


def built_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimizer; raises `ComponentFault` if it is not an optimizer of this model's parameters."""
    optimizer = build(recipe.optimizer, model=model)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise fault(recipe.optimizer, f"returned {described(optimizer)} from build()")
    optimized = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if optimized.isdisjoint(id(parameter) for parameter in model.parameters()):
        raise fault(recipe.optimizer, "has no parameter of the model")
    return optimizer


def built_schedule(recipe: Recipe, optimizer: torch.optim.Optimizer, steps: int, steps_per_epoch: int) -> Schedule:
    """The recipe's scheduler; raises `ComponentFault` if it is not a scheduler."""
    scheduler = build(recipe.scheduler, optimizer=optimizer, total_steps=steps, steps_per_epoch=steps_per_epoch)
    missing = [name for name in SCHEDULER_MEMBERS if not hasattr(scheduler, name)]
    if missing:
        raise fault(recipe.scheduler, f"returned {described(scheduler)} from build(), which lacks {', '.join(missing)}")
    return Schedule(scheduler, recipe.scheduler)


def training_logits(component: Model, network: Callable[[Tensor], Tensor], images: Tensor, classes: int) -> Tensor:
    """Logits B×K of the network in training mode."""
    with attributed_to(component, "training mode"):
        logits = network(images)
    return require_logits(component, logits, (len(images), classes), "in training mode")


def loss_of(component: Loss, criterion: Criterion, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
    """The loss of a batch, a scalar."""
    with attributed_to(component, "its call"):
        loss: Any = criterion(logits, targets, images)
    if not isinstance(loss, torch.Tensor) or loss.ndim:
        raise fault(component, f"returned {described(loss)}; it must return a tensor without dimensions")
    if logits.requires_grad and not loss.requires_grad:
        raise fault(component, "returned a number without a gradient; it must depend on the logits")
    return loss


def backward(recipe: Recipe, precision: Precision, loss: Tensor) -> None:
    """Add the gradients of a batch. A fault is attributed to the loss, the root of the graph."""
    with attributed_to(recipe.loss, f"the backward pass through it and model '{recipe.model.name}'"):
        precision.backward(loss)


def optimizer_step(recipe: Recipe, precision: Precision, optimizer: torch.optim.Optimizer, model: nn.Module) -> bool:
    """Update the weights and reset the gradients; returns whether the weights were updated (see `Precision.step`)."""
    with attributed_to(recipe.optimizer, "step()"):
        return precision.step(optimizer, model)
