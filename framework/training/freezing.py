"""Frozen parameters, and gradual unfreezing."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from framework.errors import UserError, did_you_mean, enumerate_names
from framework.training.batch_norm import BatchNorm
from framework.training.stages import stages_of

if TYPE_CHECKING:
    from torch.nn import Module


class Freezing:
    """Gradual unfreezing (Howard & Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018).

    The last stage is trained from the first step; earlier stages are added one by one, the first stage after
    `unfreeze_steps` steps. Which stages are trained is a function of the step. Parameters that are frozen already stay
    frozen, and frozen batch normalisation keeps its statistics. The optimizer holds all parameters: it skips those
    without a gradient.
    """

    def __init__(self, model: Module, unfreeze_steps: int = 0) -> None:
        self.model = model
        trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.stage_of = {trained[name]: stage for name, stage in stages_of(trained).items()}
        self.stages = len(set(self.stage_of.values()))
        self.unfreeze_steps = unfreeze_steps
        self.open = self.stages
        self.frozen_norms = frozen_norms(model)
        self.ready = False

    def train_mode(self, step: int) -> None:
        """Set training mode for optimizer step `step` (from 0), except for frozen batch normalisation."""
        number = self.open_at(step)
        if self.ready and self.model.training and number == self.open:
            return  # setting the mode visits all modules, which is slow compared with a small step
        if number != self.open:
            self.open = number
            for parameter, stage in self.stage_of.items():
                parameter.requires_grad_(stage >= self.stages - number)
            self.frozen_norms = frozen_norms(self.model)
        self.model.train()
        for module in self.frozen_norms.values():
            module.eval()
        self.ready = True

    def open_at(self, step: int) -> int:
        """How many stages, counted from the last, are trained at optimizer step `step`."""
        if step >= self.unfreeze_steps:
            return self.stages
        return 1 + step * (self.stages - 1) // self.unfreeze_steps


def freeze(model: Module, patterns: Sequence[str]) -> None:
    """Freeze the parameters whose names match; raises `UserError` for a pattern without a match."""
    names = [name for name, _ in model.named_parameters()]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UserError(
                f"train.freeze: no parameter matches '{pattern}'{did_you_mean(pattern, names)} "
                f"(parameters: {enumerate_names(names)})"
            )
    for name, parameter in model.named_parameters():
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            parameter.requires_grad_(False)
    if patterns and not any(parameter.requires_grad for parameter in model.parameters()):
        raise UserError("train.freeze leaves no parameter to train")


def frozen_norms(model: Module) -> dict[str, Module]:
    """Batch normalisation modules whose parameters are all frozen, by name; their statistics are not updated."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, BatchNorm)
        and any(True for _ in module.parameters())
        and not any(parameter.requires_grad for parameter in module.parameters())
    }
