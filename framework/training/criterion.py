"""A recipe's loss: called in one way, and with its state in checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from framework.components import build, names_argument
from framework.errors import UserError, enumerate_names

if TYPE_CHECKING:
    from torch import Tensor

    from framework.data.preprocess import Preprocessor
    from framework.data.stores.store import Store
    from framework.recipe.sections import Recipe


@dataclass(frozen=True)
class Criterion:
    """The loss as a function of logits, targets and images, whether it asks for images or not."""

    loss: Callable[..., Tensor]
    asks_for_images: bool

    def __call__(self, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
        """The scalar, of B×K, B×K and what the network got."""
        if self.asks_for_images:
            return self.loss(logits, targets, images=images)
        return self.loss(logits, targets)

    def state_dict(self) -> dict[str, Any]:
        """Of a module; a function has none."""
        return dict(self.loss.state_dict()) if isinstance(self.loss, nn.Module) else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        if isinstance(self.loss, nn.Module):
            self.loss.load_state_dict(state)


def build_criterion(
    recipe: Recipe, store: Store, preprocess: Preprocessor, device: torch.device, precision: torch.dtype
) -> Criterion:
    """The recipe's loss, on the device; raises `UserError` where it has parameters, which nothing would train."""
    offered = {"class_counts": store.class_counts, "preprocess": preprocess, "device": device, "precision": precision}
    loss = build(recipe.loss, **offered)
    if isinstance(loss, nn.Module):
        trained = [name for name, parameter in loss.named_parameters() if parameter.requires_grad]
        if trained:
            raise UserError(
                f"loss '{recipe.loss.name}' has parameters that no optimizer trains: {enumerate_names(trained)}\n"
                "    What is learned belongs to a model; what a loss keeps without learning it, to its buffers"
            )
        loss = loss.to(device)
    return Criterion(loss, names_argument(loss, "images"))
