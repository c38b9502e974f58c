"""One optimizer step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from framework.data.seeding import seed_at
from framework.training.calls import backward, loss_of, optimizer_step, training_logits

if TYPE_CHECKING:
    from framework.training.running_means import RunningMeans
    from framework.training.session import Session


def train_step(
    session: Session, step: int, means: RunningMeans, mark: Callable[[str], None] = lambda phase: None
) -> bool:
    """Optimizer step `step`, from 0: forward and backward passes of its batches, then the update of the weights.

    `mark` is called with the name of each phase at its end. Returns whether the weights were updated: in float16, a
    step whose gradients overflow is skipped, and averages and schedule must not advance either.
    """
    torch.manual_seed(seed_at(session.recipe.seed, "step", step))  # for dropout
    session.freezing.train_mode(step)
    recipe = session.recipe
    for images, targets, fraction in session.batches.at(step):
        mark("data")
        with session.precision.forward_pass():
            logits = training_logits(recipe.model, session.network, images, targets.shape[1])
        loss = loss_of(recipe.loss, session.loss, logits.float(), targets, images)
        mark("forward")
        backward(recipe, session.precision, loss * fraction)
        mark("backward")
        means.add(loss, logits, targets, step + 1)
        mark("metrics")
    updated = optimizer_step(recipe, session.precision, session.optimizer, session.model)
    mark("optimizer")
    if updated:
        session.averaging.update(step + 1)
    mark("averaging")
    return updated
