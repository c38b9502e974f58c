"""What is printed before training starts."""

from __future__ import annotations

from collections.abc import Mapping

from framework.data.stores.store import Store
from framework.display import Display
from framework.errors import count
from framework.recipe.warnings import recipe_warnings
from framework.runs.trained import Trained
from framework.training.init_from import describe_initial
from framework.training.session import Session


def print_startup(
    display: Display, session: Session, initial: Trained | None, seen: Mapping[str, int], *, resumed: bool = False
) -> None:
    """Print where the initial weights come from, unless the run is resumed, and warnings about the recipe.

    `seen` is from `count_seen`.
    """
    if not resumed:
        classes = session.stores["train"].classes
        for sentence in describe_initial(session.recipe.model, initial, classes, session.preprocess):
            display.line(f"{'weights':>10}  {sentence}")
        if initial and (warning := _describe_seen(initial, session.stores, seen)):
            display.line(f"{'weights':>10}  {warning}", "yellow")
    for warning in recipe_warnings(session.recipe, session.device.type):
        display.line(f"warning: {warning}", "yellow")


def _describe_seen(initial: Trained, stores: Mapping[str, Store], seen: Mapping[str, int]) -> str | None:
    """A warning about validation and test images that `initial` was trained on; None if there are none."""
    parts = [f"{number:,} of {count(len(stores[split]), f'{split} image')}" for split, number in seen.items() if number]
    if not parts:
        return None
    return (
        f"{' and '.join(parts)} were training images of '{initial.label}': metrics on them are too optimistic. Use the "
        "same held-out images (the same split_seed, validation and test in `dataset`), or evaluate on other images"
    )
