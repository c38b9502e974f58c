"""Parameters that are not trained."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from framework.errors import UserError, did_you_mean, enumerate_names
from framework.training.norms import BATCH_NORMS

if TYPE_CHECKING:
    from torch.nn import Module


class Freezing:
    """Freezes parameters by pattern at once; `train_mode` then keeps the statistics of frozen normalisations still."""

    def __init__(self, model: Module, patterns: Sequence[str]) -> None:
        self.model = model
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
        self.still = {
            name: module
            for name, module in model.named_modules()
            if isinstance(module, BATCH_NORMS)
            and any(True for _ in module.parameters())
            and not any(parameter.requires_grad for parameter in module.parameters())
        }

    def train_mode(self) -> None:
        """Put the network in training mode, but for frozen normalisations."""
        self.model.train()
        for module in self.still.values():
            module.eval()
