"""How the gradients of an optimizer step are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from framework import Method

if TYPE_CHECKING:
    from torch import Tensor

    from framework import TrainingStep


class Supervised(Method):
    """The gradients of the loss on the labels.

    Losses of auxiliary heads are added with the weight that the model's options have. Optimizers that need second
    derivatives or a closure get them.
    """

    name = "supervised"
    cuda_graphs = True

    def build(self) -> Callable[[TrainingStep], Iterator[tuple[Tensor, Tensor]]]:
        """The method."""
        return supervised


def supervised(step: TrainingStep) -> Iterator[tuple[Tensor, Tensor]]:
    """One forward and backward pass for each micro-batch."""
    for batch in step.batches:
        loss, logits = step.forward(batch)
        step.backward(loss, batch)
        yield loss, logits


class SAM(Method):
    """Sharpness-aware minimisation (Foret et al., 2021): the gradients at nearby weights with a higher loss.

    The weights are moved by `rho` along the gradient of the whole step, before clipping; the gradients there update the
    original weights. A step takes twice as long. Both passes have the same images and dropout, and the second does not
    update the running statistics of batch normalisation. Loss and accuracy are logged for the original weights.
    """

    name = "sam"
    aliases = ("sharpness_aware_minimization", "ASAM")

    rho: float = Field(0.05, gt=0)
    """Length of the move in the space of all weights: 0.05 to 0.2; `adaptive`: 0.5 to 2."""
    adaptive: bool = False
    """ASAM (Kwon et al., 2021): lengths relative to the size of each weight."""

    def build(self) -> Callable[[TrainingStep], Iterator[tuple[Tensor, Tensor]]]:
        """The method."""
        from framework_torch._sam import SharpnessAware

        return SharpnessAware(self.rho, self.adaptive)


METHODS = (Supervised, SAM)
