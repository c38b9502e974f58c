"""Learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from framework import Scheduler

if TYPE_CHECKING:
    import torch
    from torch.optim.lr_scheduler import LRScheduler


class FactorScheduler(Scheduler):
    """Schedules that multiply the optimizer's learning rate by a function of the step."""

    warmup: float = Field(0.0, ge=0, lt=1)
    """Fraction of all steps with linear warmup from near 0."""

    def factor(self, progress: float, epoch: float) -> float:
        """The factor after warmup; `progress` is 0 to 1 over the remaining steps, `epoch` counts from the start."""
        raise NotImplementedError

    def build(self, optimizer: torch.optim.Optimizer, total_steps: int, steps_per_epoch: int) -> LRScheduler:
        """A `LambdaLR`."""
        from torch.optim.lr_scheduler import LambdaLR

        return LambdaLR(optimizer, self.factors(total_steps, steps_per_epoch))

    def factors(self, total_steps: int, steps_per_epoch: int) -> Callable[[int], float]:
        """The factor as a function of the number of completed steps."""
        warmup = round(self.warmup * total_steps)

        def factor_at(step: int) -> float:
            if step < warmup:
                return (step + 1) / (warmup + 1)
            progress = (step - warmup) / max(1, total_steps - warmup)
            return self.factor(min(progress, 1.0), step / steps_per_epoch)

        return factor_at


class Constant(FactorScheduler):
    """Constant learning rate, after an optional warmup."""

    name = "constant"

    def factor(self, progress: float, epoch: float) -> float:
        """1."""
        return 1.0


class WarmUp(FactorScheduler):
    """Linear warmup, then linear decay or a constant rate: the schedule of many fine-tuning recipes."""

    name = "warmup"
    aliases = ("LinearLR", "LinearWarmup")
    warmup: float = Field(0.1, gt=0, lt=1)
    """Fraction of all steps with linear warmup from near 0."""
    then: Literal["linear", "constant"] = "linear"
    """After warmup: linear decay to 0, or constant."""

    def factor(self, progress: float, epoch: float) -> float:
        """From 1 to 0, or 1."""
        return 1.0 - progress if self.then == "linear" else 1.0


class Step(FactorScheduler):
    """Multiply the rate by `gamma` every `every` epochs."""

    name = "step"
    aliases = ("ExponentialLR", "ExponentialDecay")
    every: float = Field(1.0, gt=0)
    """Epochs between two drops."""
    gamma: float = Field(0.7, gt=0, le=1)
    """Factor of each drop."""

    def factor(self, progress: float, epoch: float) -> float:
        """Powers of `gamma`."""
        return float(self.gamma ** math.floor(epoch / self.every + 1e-9))  # 0.3 / 0.1 is slightly below 3


class MultiStep(FactorScheduler):
    """Multiply the rate by `gamma` at each of the given epochs."""

    name = "multi_step"
    milestones: tuple[float, ...] = Field(min_length=1, examples=[[1, 2.5]])
    """Epochs at which the rate drops."""
    gamma: float = Field(0.1, gt=0, le=1)
    """Factor of each drop."""

    def factor(self, progress: float, epoch: float) -> float:
        """Powers of `gamma`."""
        return float(self.gamma ** sum(epoch >= milestone for milestone in self.milestones))


class Cosine(FactorScheduler):
    """Cosine decay from the full rate to `final` times it (Loshchilov & Hutter, 2017)."""

    name = "cosine"
    aliases = ("CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CosineDecay")
    warmup: float = Field(0.05, ge=0, lt=1)
    """Fraction of all steps with linear warmup from near 0."""
    final: float = Field(0.0, ge=0, le=1)
    """Final learning rate as a fraction of the full rate."""

    def factor(self, progress: float, epoch: float) -> float:
        """From 1 to `final`."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * progress)) / 2


class OneCycle(Scheduler):
    """One-cycle policy (Smith, 2018): the rate rises to the optimizer's, then falls; momentum does the opposite."""

    name = "one_cycle"
    rise: float = Field(0.3, gt=0, lt=1)
    """Fraction of all steps in which the rate rises; at least one step."""
    initial: float = Field(0.04, gt=0, le=1)
    """Initial rate as a fraction of the highest."""
    final: float = Field(1e-4, gt=0, le=1)
    """Final rate as a fraction of the initial rate."""
    shape: Literal["cos", "linear"] = "cos"
    """Shape of the rise and the fall."""
    cycle_momentum: bool = True
    """Lower momentum (Adam's beta1) from 0.95 to 0.85 while the rate rises, and back. Momentum 0 stays 0."""

    def build(self, optimizer: torch.optim.Optimizer, total_steps: int) -> LRScheduler:
        """`torch.optim.lr_scheduler.OneCycleLR`; every parameter group peaks at its own rate."""
        from torch.optim.lr_scheduler import OneCycleLR

        # torch would raise a momentum of 0 to 0.85 and more.
        has_momentum = "betas" in optimizer.defaults or bool(optimizer.defaults.get("momentum"))
        points = total_steps + 1  # the scheduler also steps after the last optimizer step
        return OneCycleLR(
            optimizer,
            [group["lr"] for group in optimizer.param_groups],
            total_steps=points,
            pct_start=max(self.rise, 2 / points),  # at least one step: torch divides by the length of the rise
            anneal_strategy=self.shape,
            cycle_momentum=self.cycle_momentum and has_momentum,
            div_factor=1 / self.initial,
            final_div_factor=1 / self.final,
        )


class Plateau(Scheduler):
    """Multiply the rate by `gamma` when the validation metric `train.monitor` has stopped improving."""

    name = "plateau"
    aliases = ("ReduceLROnPlateau",)
    gamma: float = Field(0.1, gt=0, lt=1)
    """Factor of each drop."""
    patience: int = Field(2, ge=0)
    """Epochs without improvement before a drop."""
    min_lr: float = Field(0.0, ge=0)
    """Lower bound of the rate."""

    def build(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """`torch.optim.lr_scheduler.ReduceLROnPlateau`."""
        from torch.optim.lr_scheduler import ReduceLROnPlateau

        return ReduceLROnPlateau(
            optimizer,
            factor=self.gamma,
            patience=self.patience,
            min_lr=self.min_lr,
            threshold=1e-4,
            threshold_mode="abs",
        )


SCHEDULERS = (Constant, WarmUp, Step, MultiStep, Cosine, OneCycle, Plateau)
