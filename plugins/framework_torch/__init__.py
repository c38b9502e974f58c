"""Optimizers, schedulers, losses, methods and transforms on plain PyTorch, and a callback that writes a CSV table."""

from collections.abc import Sequence

from framework import hookimpl
from framework.components import Component


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    from framework_torch import callbacks, losses, methods, optimizers, schedulers, transforms

    return [
        *optimizers.OPTIMIZERS,
        *schedulers.SCHEDULERS,
        *losses.LOSSES,
        *methods.METHODS,
        *transforms.TRANSFORMS,
        *callbacks.CALLBACKS,
    ]
