"""The training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.training.step import train_step
from framework.training.stopping import Interruption

if TYPE_CHECKING:
    from framework.training.keeper import Keeper
    from framework.training.session import Session


def train(session: Session, keeper: Keeper) -> None:
    """Train from where the keeper is to the last step, or to where a limit, patience or a signal ends it.

    Raises `RunFailed` where loss or weights are no longer finite, `Interrupted` after a signal and its checkpoint.
    """
    with Interruption() as interruption:
        while not keeper.finished:
            lr = session.schedule.lr
            if train_step(session, keeper.position.step, keeper.means):
                session.schedule.step()
            keeper.step_done(lr)
            keeper.stop_if(interruption.received)
