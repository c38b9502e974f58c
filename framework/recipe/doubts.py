"""What a valid recipe asks for and hardly means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.components import components_in

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe


def doubts(recipe: Recipe, device: str | None = None) -> Iterator[str]:
    """A sentence for each, with what to set; `device` is the type of the device in use, None: as the recipe says."""
    weighted = any(getattr(loss, "class_weights", None) == "balanced" for loss in components_in(recipe.loss))
    if recipe.train.sampler == "balanced" and weighted:
        yield (
            "train.sampler: balanced and class_weights: balanced both correct for rare classes, so that these count "
            "twice over; set one of them, such as train.sampler=shuffled"
        )
    device = device or recipe.train.device
    if recipe.train.tf32 and device in ("cpu", "mps"):
        yield f"train.tf32=true has no effect on the device '{device}': only CUDA devices have TF32"
