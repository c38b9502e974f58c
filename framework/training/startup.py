"""What is printed before training starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from framework.recipe.doubts import doubts
from framework.training.init_from import describe_initial
from framework.training.seen_images import describe_seen

if TYPE_CHECKING:
    from framework.display import Display
    from framework.runs.trained import Trained
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
        if initial and (sentence := describe_seen(initial, session.stores, seen)):
            display.line(f"{'weights':>10}  {sentence}", "yellow")
    for warning in doubts(session.recipe):
        display.line(f"warning: {warning}", "yellow")
