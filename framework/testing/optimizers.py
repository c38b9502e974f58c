"""Checks of optimizers and schedulers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F

from framework.attribution import fault
from framework.components import Scheduler, build
from framework.errors import UserError, enumerate_names
from framework.evaluation.evaluate import described
from framework.testing.arguments import STEPS_PER_EPOCH, TOTAL_STEPS, identical, scheduler_arguments, seeded
from framework.testing.arguments import small_network as network
from framework.testing.check import Check, CheckFailed, Subject, require
from framework.training.calls import SCHEDULER_MEMBERS
from framework.training.checkpoints import restore_optimizer
from framework.training.schedule import Schedule
from framework.training.state_file import load_state, save_state

STEPS = 3


def updates(subject: Subject) -> None:
    """All trainable parameters change, and no others."""
    model = network()
    model[0].weight.requires_grad_(False)  # type: ignore[index]
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    _train(_optimizer(subject, model), model, 0)
    after = dict(model.named_parameters())
    require(torch.equal(before["0.weight"], after["0.weight"]), "it changes parameters that do not require gradients")
    same = [name for name in before if name != "0.weight" and torch.equal(before[name], after[name])]
    require(not same, f"after {STEPS} steps these parameters have not changed: {enumerate_names(same)}")
    require(all(bool(value.isfinite().all()) for value in after.values()), "parameters are not finite after its steps")


def determinism(subject: Subject) -> None:
    """The same seed gives the same weights."""
    runs = []
    for other in (1, 2):
        model = network()
        with seeded(0, other):
            _train(_optimizer(subject, model), model, 0, other)
        runs.append(dict(model.state_dict()))
    require(identical(*runs), f"built twice, it gives other weights after {STEPS} steps")


def resume(subject: Subject) -> None:
    """State saved during training and loaded into a new optimizer gives the same next steps."""
    whole = network()
    optimizer = _optimizer(subject, whole)
    _train(optimizer, whole, 0)
    state = _saved({"model": dict(whole.state_dict()), "optimizer": optimizer.state_dict()})
    resumed = network(seed=1)
    restored = _optimizer(subject, resumed)
    resumed.load_state_dict(state["model"])
    restore_optimizer(restored, state["optimizer"])
    _train(optimizer, whole, STEPS)
    _train(restored, resumed, STEPS)
    same = identical(dict(whole.state_dict()), dict(resumed.state_dict()))
    require(same, "after loading the saved state, the next steps give other weights")


def _optimizer(subject: Subject, model: nn.Module) -> torch.optim.Optimizer:
    optimizer = build(subject.component, model=model)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise fault(subject.component, f"returned {described(optimizer)} from build()")
    return optimizer


def _train(optimizer: torch.optim.Optimizer, model: nn.Module, first: int, other: int = 0) -> None:
    """The steps from `first` on; each is seeded, as in training."""
    for step in range(first, first + STEPS):
        images = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        with seeded(step, other):
            F.cross_entropy(model.train()(images), torch.arange(6) % 3).backward()
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def _saved(state: Any) -> Any:
    """The state after it was written to a checkpoint and read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.safetensors"
        try:
            save_state(path, state)
        except UserError as error:
            raise CheckFailed(str(error)) from error
        return load_state(path)


def rates(subject: Subject) -> None:
    """Learning rates are finite and not negative, also in a training of one step."""
    for total_steps, steps_per_epoch in ((1, 1), (5, 5), (TOTAL_STEPS, STEPS_PER_EPOCH), (100, 7)):
        rates = _rates(_schedule(subject, total_steps, steps_per_epoch), 0, total_steps, steps_per_epoch)
        wrong = [rate for rate in rates if not 0 <= rate < float("inf")]
        require(not wrong, f"a learning rate of {wrong[:1]} in a training of {total_steps} steps")


def scheduler_determinism(subject: Subject) -> None:
    """The same learning rates whenever it is built."""
    runs = []
    for seed in (1, 2):
        with seeded(seed):
            runs.append(_rates(_schedule(subject), 0, TOTAL_STEPS))
    require(identical(*runs), "built twice, it gives other learning rates")


def scheduler_resume(subject: Subject) -> None:
    """State saved during training and loaded into a new scheduler gives the same next rates."""
    for done in (1, TOTAL_STEPS // 2):
        whole, resumed = _schedule(subject), _schedule(subject)
        _rates(whole, 0, done)
        state = _saved({"optimizer": whole.scheduler.optimizer.state_dict(), "scheduler": whole.state_dict()})
        restore_optimizer(resumed.scheduler.optimizer, state["optimizer"])
        resumed.load_state_dict(state["scheduler"])
        same = identical(_rates(whole, done, TOTAL_STEPS), _rates(resumed, done, TOTAL_STEPS))
        require(same, f"resumed after {done} steps, it gives other learning rates")


def _schedule(subject: Subject, total_steps: int = TOTAL_STEPS, steps_per_epoch: int = STEPS_PER_EPOCH) -> Schedule:
    scheduler = build(subject.component, **scheduler_arguments(total_steps, steps_per_epoch))
    missing = [name for name in SCHEDULER_MEMBERS if not hasattr(scheduler, name)]
    if missing:
        raise fault(subject.component, f"returned {described(scheduler)} from build(), without {', '.join(missing)}")
    return Schedule(scheduler, cast("Scheduler", subject.component))


def _rates(schedule: Schedule, first: int, last: int, steps_per_epoch: int = STEPS_PER_EPOCH) -> list[float]:
    """The learning rates before each of these steps and after the last one."""
    rates = [schedule.lr]
    for step in range(first, last):
        schedule.scheduler.optimizer.step()
        schedule.step()
        if (step + 1) % steps_per_epoch == 0:
            schedule.epoch_done(1.0)
        rates.append(schedule.lr)
    return rates


CHECKS = (
    Check(
        "updates", "All trainable parameters change in training, and no others.",
        "Give the optimizer all parameters of `model` that require gradients.", updates,
    ),
    Check(
        "determinism", "The same gradients and seed give the same weights.",
        "Draw random numbers from PyTorch's global generator only, which the framework seeds.", determinism,
    ),
    Check(
        "resume", "state_dict() holds the whole state: a resumed training has the same next weights.",
        "Hold all state in `self.state` and `self.param_groups`: tensors, numbers, strings, lists and dicts.", resume,
    ),
)  # fmt: skip
SCHEDULER_CHECKS = (
    Check(
        "rates", "Learning rates are finite and not negative, also in a training of one step.",
        "Do not divide by a number of steps that may be 0.", rates,
    ),
    Check(
        "determinism", "The same training has the same learning rates.", "Draw no random numbers.",
        scheduler_determinism,
    ),
    Check(
        "resume", "state_dict() holds the whole state: a resumed training has the same next learning rates.",
        "Compute the rate from the step, or hold state in attributes of the scheduler.", scheduler_resume,
    ),
)  # fmt: skip
