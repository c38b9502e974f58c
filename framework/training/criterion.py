"""A recipe's loss, with one signature and with its state for checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from framework.components import build, names_argument
from framework.data.preprocess import Preprocessor
from framework.data.stores.store import Store
from framework.errors import UserError, enumerate_names
from framework.recipe.sections import Recipe


@dataclass(frozen=True)
class Criterion:
    """The loss as a function of logits, targets and images, whether it uses images or not."""

    loss: Callable[..., Tensor]
    uses_images: bool

    def __call__(self, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
        """The scalar loss of logits B×K, targets B×K and the network's inputs."""
        if self.uses_images:
            return self.loss(logits, targets, images=images)
        return self.loss(logits, targets)

    def state_dict(self) -> dict[str, Any]:
        """The state of a module; a function has none."""
        return dict(self.loss.state_dict()) if isinstance(self.loss, nn.Module) else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        if isinstance(self.loss, nn.Module):
            self.loss.load_state_dict(state)


def build_criterion(
    recipe: Recipe, store: Store, preprocess: Preprocessor, device: torch.device, precision: torch.dtype
) -> Criterion:
    """The recipe's loss on the device; raises `UserError` if it has parameters, which no optimizer would train."""
    offered = {
        "class_counts": store.class_counts,
        "task": recipe.task,
        "preprocess": preprocess,
        "device": device,
        "precision": precision,
    }
    loss = build(recipe.loss, **offered)
    if isinstance(loss, nn.Module):
        trained = [name for name, parameter in loss.named_parameters() if parameter.requires_grad]
        if trained:
            raise UserError(
                f"loss '{recipe.loss.name}' has parameters, which no optimizer trains: {enumerate_names(trained)}\n"
                "    Learned parameters belong in a model; use buffers for other state of a loss"
            )
        loss = loss.to(device)
    return Criterion(loss, names_argument(loss, "images"))
