"""All classification architectures of the installed torchvision (https://github.com/pytorch/vision)."""

from collections.abc import Sequence

from framework import Model, hookimpl


@hookimpl
def components() -> Sequence[type[Model]]:
    """One component per architecture."""
    from framework_torchvision.models import model_classes

    return model_classes()
