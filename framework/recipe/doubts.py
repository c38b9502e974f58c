"""What a valid recipe asks for and hardly means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.components import components_in

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe


def doubts(recipe: Recipe) -> Iterator[str]:
    """A sentence for each, with what to set."""
    weighted = any(getattr(loss, "class_weights", None) == "balanced" for loss in components_in(recipe.loss))
    if recipe.train.sampler == "balanced" and weighted:
        yield (
            "train.sampler: balanced and class_weights: balanced both correct for rare classes, so that these count "
            "twice over; set one of them, such as train.sampler=shuffled"
        )
