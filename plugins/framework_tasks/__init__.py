"""What a label is: one class for each image, or any number of them."""

from collections.abc import Sequence

from framework import hookimpl
from framework.components import Component
from framework_tasks.multi_label import MultiLabel
from framework_tasks.single_label import SingleLabel

__all__ = ["MultiLabel", "SingleLabel", "components"]


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [SingleLabel, MultiLabel]
