"""All classification architectures and optimizers of the installed timm (huggingface/pytorch-image-models)."""

from collections.abc import Sequence

from framework import Model, Optimizer, hookimpl


@hookimpl
def components() -> Sequence[type[Model | Optimizer]]:
    """The components of this plugin."""
    from framework_timm.models import TimmModel
    from framework_timm.optimizers import TimmOptimizer

    return [TimmModel, TimmOptimizer]
