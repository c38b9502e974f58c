"""Warnings about a valid recipe whose options are unlikely to be intended together."""

from __future__ import annotations

from collections.abc import Iterator

from framework.components import components_in
from framework.recipe.sections import Recipe


def recipe_warnings(recipe: Recipe, device: str | None = None) -> Iterator[str]:
    """One sentence for each warning; it names the option to change. `device`: type of the device, if it is known."""
    weighted = any(getattr(loss, "class_weights", None) == "balanced" for loss in components_in(recipe.loss))
    if recipe.train.sampler == "balanced" and weighted:
        yield (
            "train.sampler: balanced and class_weights: balanced both correct for rare classes, which are then "
            "weighted twice; set only one of them, for example train.sampler=shuffled"
        )
    device = device or recipe.train.device
    if recipe.train.tf32 and device in ("cpu", "mps"):
        yield f"train.tf32=true has no effect on the device '{device}': only CUDA devices have TF32"
