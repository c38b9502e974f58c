"""One optimizer step: gradients by the method, then the update of the weights."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from framework.attribution import attributed_to, fault
from framework.training.calls import method_result
from framework.training.optimizer_traits import is_second_order, requires_closure
from framework.training.training_step import TrainingStep

if TYPE_CHECKING:
    from torch import Tensor

    from framework.training.calls import MethodCall
    from framework.training.running_means import RunningMeans
    from framework.training.session import Session

    Record = Callable[[Tensor, Tensor, Tensor], None]
    """Called with loss, logits and targets of each micro-batch."""


def train_step(
    session: Session, step: int, means: RunningMeans, mark: Callable[[str], None] = lambda phase: None
) -> bool:
    """Optimizer step `step`, from 0: the gradients of its batches, then the update of the weights.

    `mark` is called with the name of each phase at its end. Returns whether the weights were updated: in float16, a
    step whose gradients overflow is skipped, and averages and schedule must not advance either.
    """
    session.freezing.train_mode(step)
    current = TrainingStep(
        session.recipe, session.model, step, session.total_steps, is_second_order(session.optimizer),
        session.network, session.loss, session.precision, session.batches.at(step), mark,
    )  # fmt: skip

    def record(loss: Tensor, logits: Tensor, targets: Tensor) -> None:
        means.add(loss, logits, targets, step + 1)
        mark("metrics")

    updated = update(current, session.method, session.optimizer, record)
    mark("optimizer")
    if updated:
        session.averaging.update(step + 1)
    mark("averaging")
    return updated


def update(step: TrainingStep, method: MethodCall, optimizer: torch.optim.Optimizer, record: Record) -> bool:
    """Compute the gradients and update the weights; returns whether they were updated (see `Precision.step`)."""
    component = step.recipe.optimizer
    if not requires_closure(optimizer):
        add_gradients(step, method, record)
        with attributed_to(component, "step()"):
            return step.precision.step(optimizer, step.model)
    with attributed_to(component, "step()"):
        optimizer.step(_closure(step, method, optimizer, record))  # type: ignore[arg-type]
        optimizer.zero_grad(set_to_none=True)
    return True


def add_gradients(step: TrainingStep, method: MethodCall, record: Record) -> None:
    """Call the method; raises `ComponentFault` if it breaks its contract."""
    recipe, recorded = step.recipe, 0
    step.taken.clear()
    step.seed()
    with attributed_to(recipe.method, "its call"):
        for result in method(step):
            if recorded == len(step.taken):
                raise fault(recipe.method, f"yielded more results than it has taken micro-batches, {recorded}")
            targets = step.taken[recorded]
            record(*method_result(recipe.method, result, (len(targets), targets.shape[1])), targets)
            recorded += 1
    if recorded < len(step.taken) or next(step.source, None) is not None:
        raise fault(recipe.method, f"yielded results for {recorded} of the step's micro-batches; it must for each")
    if all(parameter.grad is None for parameter in step.model.parameters()):
        at_fault = recipe.loss if step.differentiated else recipe.method
        raise fault(at_fault, "gives no parameter of the model a gradient")


def _closure(
    step: TrainingStep, method: MethodCall, optimizer: torch.optim.Optimizer, record: Record
) -> Callable[[], Tensor]:
    """Computes the gradients of the step again, with the same dropout, and returns its loss.

    Only the first call is logged and updates the statistics of batch normalisation.
    """
    batches = list(step.source)
    calls = 0

    def closure() -> Tensor:
        nonlocal calls
        step.source = iter(batches)
        losses: list[Tensor] = []

        def log(loss: Tensor, logits: Tensor, targets: Tensor) -> None:
            losses.append(loss.detach() * batches[len(losses)][2])
            if calls == 0:
                record(loss, logits, targets)

        optimizer.zero_grad(set_to_none=True)
        with torch.enable_grad(), step.frozen_statistics() if calls else nullcontext():
            add_gradients(step, method, log)
        step.precision.clip(optimizer, step.model)
        calls += 1
        return torch.stack(losses).sum()

    return closure
