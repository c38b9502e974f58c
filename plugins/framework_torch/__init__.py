"""Optimizers, schedulers, losses, methods, transforms, metrics and a CSV callback on plain PyTorch."""

from collections.abc import Sequence

from framework import hookimpl
from framework.components import Component


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    from framework_torch import callbacks, losses, methods, metrics, optimizers, schedulers, transforms

    return [
        *optimizers.OPTIMIZERS,
        *schedulers.SCHEDULERS,
        *losses.LOSSES,
        *methods.METHODS,
        *transforms.TRANSFORMS,
        *callbacks.CALLBACKS,
        *metrics.METRICS,
    ]
