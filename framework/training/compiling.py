"""`train.compile`: a network compiled by `torch.compile`, where that trains faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from framework.attribution import is_out_of_memory, reason_of
from framework.device import wait_for
from framework.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.training.session import Session

LEAST_SECONDS = 180.0
"""Of forward and backward passes without compiling: it takes up to a minute, which short trainings do not regain."""
LEAST_GAIN = 1.05
"""How many times as fast a compiled network must be to be taken."""
PASSES = 10
"""Forward and backward passes that are timed."""

Say = Callable[[str], None]


def settle_compile(session: Session, recorded: bool | None, say: Say) -> bool:
    """Decide `train.compile` and set `session.network`; returns whether it is compiled.

    `recorded` is the decision of an earlier session of this run, which is kept: compiled networks round differently.
    Raises `UserError` if `train.compile` is true and compiling fails.
    """
    wanted = session.recipe.train.compile
    if wanted == "auto" and recorded is not None:
        wanted = recorded
    if wanted == "auto":
        return _is_measured(session) and _try_compiled(session, say)
    if wanted:
        try:
            _use_compiled(session)
            seconds_of_pass(session, passes=1)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise UserError(
                f"train.compile: this network cannot be compiled here: {reason_of(error)}\n"
                "    Train it as it is: train.compile=false"
            ) from error
    return bool(wanted)


def _is_measured(session: Session) -> bool:
    return session.device.type == "cuda" and not session.recipe.train.deterministic


def _try_compiled(session: Session, say: Say) -> bool:
    """Measure both networks and keep the faster one."""
    plain = seconds_of_pass(session)
    passes = session.total_steps * session.batches.order.batches_per_step
    if plain * passes < LEAST_SECONDS:
        return False
    try:
        _use_compiled(session)
        compiled = seconds_of_pass(session)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        _use_plain(session)
        say(f"torch.compile failed, training without it: {reason_of(error)}")
        return False
    gain = plain / compiled
    if gain < LEAST_GAIN:
        _use_plain(session)
        say(f"torch.compile: forward and backward {gain:.2f} times as fast, training without it")
        return False
    say(f"torch.compile: forward and backward {gain:.2f} times as fast, training the compiled network")
    return True


def _use_compiled(session: Session) -> None:
    sizes, batches = len(session.batches.size_phases()), session.batches.order.batches_per_step
    # Gradients that are accumulated lie in memory that the next replay of a graph would overwrite.
    graphs = session.device.type == "cuda" and sizes == 1 and batches == 1
    # Each image size, and each number of stages that are trained, is compiled by itself; beyond its limit torch would
    # go on without compiling.
    limit = sizes * session.freezing.stages + 2
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, limit)
    compiled = torch.compile(session.model, dynamic=False, mode="reduce-overhead" if graphs else None)

    def network(images: Tensor) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()
        logits: Tensor = compiled(images)
        return logits

    session.network = network
    session.precision.own_kernels = False


def _use_plain(session: Session) -> None:
    session.network = session.model
    session.precision.own_kernels = True
    torch.compiler.reset()


def seconds_of_pass(session: Session, passes: int = PASSES) -> float:
    """Of one forward and backward pass over a batch of the most frequent image size; the network stays unchanged.

    The first passes are not timed.
    """
    step = max(session.batches.size_phases(), key=lambda phase: phase.steps).start
    images, _, _ = next(session.batches.at(step))
    session.freezing.train_mode(step)
    with unchanged(session.model):
        for timed in (3, passes):
            wait_for(session.device)
            started = time.perf_counter()
            for _ in range(timed):
                with session.precision.forward_pass():
                    logits = session.network(images)
                session.precision.backward(logits.float().square().mean())
                session.model.zero_grad(set_to_none=True)
            wait_for(session.device)
        return (time.perf_counter() - started) / passes


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """A context after which buffers that training passes have changed are as before, and gradients are dropped."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
        model.zero_grad(set_to_none=True)
