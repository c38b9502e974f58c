"""Optimizers, schedulers, losses, transforms and metrics on plain PyTorch, and a callback that writes a CSV table."""

from collections.abc import Sequence

from framework import hookimpl
from framework.components import Component


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    from framework_torch import callbacks, losses, metrics, optimizers, schedulers, transforms

    return [
        *optimizers.OPTIMIZERS,
        *schedulers.SCHEDULERS,
        *losses.LOSSES,
        *transforms.TRANSFORMS,
        *callbacks.CALLBACKS,
        *metrics.METRICS,
    ]
