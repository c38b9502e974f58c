"""Calls into the components of a session: faults are attributed to the component and its plugin.

Only types and shapes are checked, so that no call waits for the device; `probe.py` checks values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch

from framework.attribution import attributed_to, fault
from framework.components import build
from framework.evaluation.evaluate import described, require_logits
from framework.training.schedule import Schedule

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.components import Loss, Method, Model
    from framework.recipe.sections import Recipe
    from framework.training.criterion import Criterion

    MethodCall = Callable[[Any], Iterable[tuple[Tensor, Tensor]]]
    """From a `TrainingStep`, which has the session, to loss and logits of each micro-batch."""

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


def built_method(recipe: Recipe, model: nn.Module, steps: int, steps_per_epoch: int) -> MethodCall:
    """The recipe's method; raises `ComponentFault` if it is not callable."""
    method: MethodCall = build(recipe.method, model=model, total_steps=steps, steps_per_epoch=steps_per_epoch)
    if not callable(method):
        raise fault(recipe.method, f"returned {described(method)} from build()")
    return method


def training_outputs(
    component: Model, network: Callable[[Tensor], Any], images: Tensor, classes: int
) -> tuple[Tensor, ...]:
    """Logits B×K of the network in training mode, then those of its auxiliary heads, if it has any."""
    with attributed_to(component, "training mode"):
        outputs = network(images)
    if component.auxiliary_weight() is None or not isinstance(outputs, tuple):
        outputs = (outputs,)
    shape = (len(images), classes)
    return tuple(require_logits(component, logits, shape, "in training mode") for logits in outputs)


def loss_of(component: Loss, criterion: Criterion, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
    """The loss of a batch, a scalar."""
    with attributed_to(component, "its call"):
        loss: Any = criterion(logits, targets, images)
    if not isinstance(loss, torch.Tensor) or loss.ndim:
        raise fault(component, f"returned {described(loss)}; it must return a tensor without dimensions")
    if logits.requires_grad and not loss.requires_grad:
        raise fault(component, "returned a number without a gradient; it must depend on the logits")
    return loss


def method_result(component: Method, result: object, targets: Tensor) -> tuple[Tensor, Tensor]:
    """The loss and the logits B×K of a micro-batch, as a method yields them."""
    if not (isinstance(result, (tuple, list)) and len(result) == 2):
        raise fault(component, f"yielded {described(result)}; it must yield (loss, logits) for each micro-batch")
    loss, logits = result
    if not isinstance(loss, torch.Tensor) or loss.ndim:
        raise fault(component, f"yielded {described(loss)} as the loss; it must be a tensor without dimensions")
    shape = (len(targets), targets.shape[1])
    return loss, require_logits(component, logits, shape, "with the loss of each micro-batch")
