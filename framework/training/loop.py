"""The training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from framework.data.seeding import seed_at
from framework.training.stopping import Interruption

if TYPE_CHECKING:
    from framework.training.keeper import Keeper
    from framework.training.session import Session


def train(session: Session, keeper: Keeper) -> None:
    """Train from where the keeper is to the last step, or to where a limit, patience or a signal ends it.

    Raises `RunFailed` where the loss is no longer finite, `Interrupted` after a signal and the checkpoint for it.
    """
    seed = session.recipe.seed
    with Interruption() as interruption:
        while not keeper.finished:
            step = keeper.position.step
            torch.manual_seed(seed_at(seed, "step", step))  # for dropout and its like
            session.freezing.train_mode()
            for images, targets, share in session.batches.at(step):
                with session.precision.forward_pass():
                    logits = session.model(images)
                loss = session.loss(logits.float(), targets)
                session.precision.backward(loss * share)
                keeper.meter.add(loss, logits, targets, step + 1)
            session.precision.step(session.optimizer, session.model)
            session.schedule.step()
            session.averaging.update(step + 1)
            keeper.step_done()
            keeper.stop_if(interruption.received)
