"""One optimizer step: gradients by the method, then the update of the weights."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from framework.attribution import attributed_to, fault
from framework.data.batches import MicroBatch
from framework.evaluation.evaluate import described
from framework.training.batch_norm import frozen_statistics
from framework.training.calls import method_result
from framework.training.optimizer_traits import requires_closure
from framework.training.running_means import RunningMeans
from framework.training.training_step import TrainingStep

if TYPE_CHECKING:
    from framework.training.session import Session

Log = Callable[[Tensor, Tensor, Tensor], None]
"""Called with loss, logits B×K and targets B×K of each micro-batch."""
Mark = Callable[[str], None]
"""Called with the name of each phase of a step at its end."""


def train_step(session: Session, index: int, means: RunningMeans, mark: Mark = lambda phase: None) -> bool:
    """Optimizer step `index`, from 0: the gradients of its batches, then the update of the weights.

    Returns whether the weights were updated: in float16, a step whose gradients overflow is skipped, and averages and
    schedule must not advance either.
    """
    session.freezing.train_mode(index)

    def log(loss: Tensor, logits: Tensor, targets: Tensor) -> None:
        means.add(loss, logits, targets, index + 1)
        mark("metrics")

    updated = update_weights(session, index, session.batches.at(index), log, mark)
    mark("optimizer")
    if updated:
        session.averaging.update(index + 1)
    mark("averaging")
    return updated


def update_weights(
    session: Session, index: int, batches: Iterable[MicroBatch], log: Log, mark: Mark = lambda phase: None
) -> bool:
    """Compute the gradients and update the weights; returns whether they were updated (see `Precision.step`)."""
    component, optimizer = session.recipe.optimizer, session.optimizer
    if requires_closure(optimizer):
        closure = _closure(session, index, list(batches), log, mark)
        with attributed_to(component, "step()"):
            optimizer.step(closure)  # type: ignore[arg-type]
            optimizer.zero_grad(set_to_none=True)
        return True
    for loss, logits, batch in add_gradients(session, index, batches, mark):
        log(loss, logits, batch.targets)
    with attributed_to(component, "step()"):
        return session.precision.step(optimizer, session.model)


def add_gradients(
    session: Session, index: int, batches: Iterable[MicroBatch], mark: Mark = lambda phase: None
) -> Iterator[tuple[Tensor, Tensor, MicroBatch]]:
    """Call the method, and yield loss and logits of each micro-batch; raises `ComponentFault` if one is missing."""
    component = session.recipe.method
    taken: deque[MicroBatch] = deque()

    def given() -> Iterator[MicroBatch]:
        for batch in batches:
            mark("data")
            taken.append(batch)
            yield batch

    step = TrainingStep(session, index, given(), mark)
    step.seed()
    with attributed_to(component, "its call"):
        results = session.method(step)
        if not isinstance(results, Iterable):
            raise fault(component, f"returned {described(results)}")
        for result in results:
            if not taken:
                raise fault(component, "yielded more results than it has taken micro-batches")
            batch = taken.popleft()
            yield *method_result(component, result, batch.targets), batch
    if taken or next(step.batches, None) is not None:
        raise fault(component, "yielded no result for one of the micro-batches")
    groups = session.optimizer.param_groups
    if all(parameter.grad is None for group in groups for parameter in group["params"]):
        raise fault(session.recipe.loss if step.has_gradients else component, "gives no parameter a gradient")


def _closure(session: Session, index: int, batches: list[MicroBatch], log: Log, mark: Mark) -> Callable[[], Tensor]:
    """Computes the gradients of the step again, with the same dropout, and returns its loss.

    Only the first call is logged and updates the statistics of batch normalisation.
    """
    calls = 0

    def closure() -> Tensor:
        nonlocal calls
        calls += 1
        session.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=session.device)
        with torch.enable_grad(), nullcontext() if calls == 1 else frozen_statistics(session.model):
            for loss, logits, batch in add_gradients(session, index, batches, mark):
                total += loss.detach() * batch.fraction
                if calls == 1:
                    log(loss, logits, batch.targets)
        session.precision.clip(session.optimizer, session.model)
        return total

    return closure
