"""`train.compile`: a network compiled by `torch.compile`, if that trains faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from framework.attribution import is_out_of_memory, reason_of
from framework.device import wait_for
from framework.errors import UserError
from framework.training.optimizer_traits import is_second_order
from framework.training.session import Session

MIN_SECONDS = 180.0
"""Compiling takes up to a minute: it is not tried if forward and backward passes take less than this in total."""
MIN_SPEEDUP = 1.05
"""Speed of the compiled network relative to the plain one from which it is used."""
PASSES = 10
"""Number of timed forward and backward passes."""

Say = Callable[[str], None]


def settle_compile(session: Session, recorded: bool | None, say: Say) -> bool:
    """Set `session.network` according to `train.compile`; returns whether it is compiled.

    `recorded` is the decision of an earlier session of the run: it is kept, because compiled networks round
    differently. Raises `UserError` if `train.compile` is true and compiling fails.
    """
    choice = session.recipe.train.compile
    if is_second_order(session.optimizer):
        if choice is True:
            raise UserError(
                f"train.compile: optimizer '{session.recipe.optimizer.name}' needs second derivatives, which compiled "
                "networks do not have; set train.compile=false"
            )
        return False
    if choice == "auto" and recorded is not None:
        choice = recorded
    if choice == "auto":
        measured = session.device.type == "cuda" and not session.recipe.train.deterministic
        return measured and _try_compiled(session, say)
    if choice:
        try:
            _use_compiled(session)
            seconds_of_pass(session, passes=1)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise UserError(
                f"train.compile: this network cannot be compiled here: {reason_of(error)}\n"
                "    To train it without compiling: train.compile=false"
            ) from error
    return bool(choice)


def _try_compiled(session: Session, say: Say) -> bool:
    """Measure both networks and use the faster one."""
    plain = seconds_of_pass(session)
    passes = session.total_steps * session.batches.order.batches_per_step
    if plain * passes < MIN_SECONDS:
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
    speedup = plain / compiled
    if speedup < MIN_SPEEDUP:
        _use_plain(session)
        say(f"torch.compile: forward and backward are {speedup:.2f} times as fast; training without it")
        return False
    say(f"torch.compile: forward and backward are {speedup:.2f} times as fast; training the compiled network")
    return True


def _use_compiled(session: Session) -> None:
    sizes, batches = len(session.batches.size_phases()), session.batches.order.batches_per_step
    # Accumulated gradients are in memory that the next replay of a CUDA graph would overwrite.
    graphs = session.recipe.method.cuda_graphs and session.device.type == "cuda" and sizes == 1 and batches == 1
    # Each image size and each number of unfrozen stages is compiled separately; beyond the limit, torch would continue
    # without compiling. So is each with frozen statistics of batch normalisation.
    limit = 2 * sizes * session.freezing.stages + 2
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, limit)
    compiled = torch.compile(session.model, dynamic=False, mode="reduce-overhead" if graphs else None)

    def network(images: Tensor) -> Any:
        torch.compiler.cudagraph_mark_step_begin()
        return compiled(images)

    session.network = network
    session.precision.own_kernels = False


def _use_plain(session: Session) -> None:
    session.network = session.model
    session.precision.own_kernels = True
    torch.compiler.reset()


def seconds_of_pass(session: Session, passes: int = PASSES) -> float:
    """Mean time of a forward and backward pass on a batch of the most frequent image size, after warm-up passes.

    The network is not changed.
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
                    outputs = session.network(images)
                logits = outputs[0] if isinstance(outputs, tuple) else outputs  # without auxiliary heads
                session.precision.backward(logits.float().square().mean())
                session.model.zero_grad(set_to_none=True)
            wait_for(session.device)
        return (time.perf_counter() - started) / passes


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Restore the buffers that training passes change, and reset the gradients, after the context."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)
        model.zero_grad(set_to_none=True)
