"""Parameters that are not trained, or not yet."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from framework.errors import UserError, did_you_mean, enumerate_names
from framework.training.batch_norm import BATCH_NORMS
from framework.training.stages import stages_of

if TYPE_CHECKING:
    from torch.nn import Module


class Freezing:
    """Keeps back stages of the network until it is their turn, and the statistics of frozen normalisations still.

    Gradual unfreezing (Howard & Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018): the last
    stage is trained from the first step, the others join one by one, the first one after `unfreeze_steps` steps. What
    is trained follows from the step alone; what was frozen before stays so. The optimizer holds all of them: it passes
    over what has no gradient.
    """

    def __init__(self, model: Module, unfreeze_steps: int = 0) -> None:
        self.model = model
        trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.stage_of = {trained[name]: stage for name, stage in stages_of(trained).items()}
        self.stages = len(set(self.stage_of.values()))
        self.unfreeze_steps = unfreeze_steps
        self.open = self.stages
        self.still = frozen_norms(model)
        self.ready = False

    def train_mode(self, step: int) -> None:
        """Put the network in training mode for optimizer step `step` (from 0), but for frozen normalisations."""
        number = self.open_at(step)
        if self.ready and self.model.training and number == self.open:
            return  # setting the mode goes through all modules, which takes long beside a small step
        if number != self.open:
            self.open = number
            for parameter, stage in self.stage_of.items():
                parameter.requires_grad_(stage >= self.stages - number)
            self.still = frozen_norms(self.model)
        self.model.train()
        for module in self.still.values():
            module.eval()
        self.ready = True

    def open_at(self, step: int) -> int:
        """How many stages, from the last, are trained at optimizer step `step`."""
        if step >= self.unfreeze_steps:
            return self.stages
        return 1 + step * (self.stages - 1) // self.unfreeze_steps


def freeze(model: Module, patterns: Sequence[str]) -> None:
    """Freeze the parameters whose names match, for good; raises `UserError` for a pattern that matches none."""
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
    """The batch normalisations none of whose parameters is trained, by name: their statistics stay as they are."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, BATCH_NORMS)
        and any(True for _ in module.parameters())
        and not any(parameter.requires_grad for parameter in module.parameters())
    }
