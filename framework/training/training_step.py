"""One optimizer step as a method sees it: its micro-batches, forward and backward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from framework.attribution import attributed_to
from framework.data.seeding import seed_at
from framework.training.batch_norm import frozen_statistics
from framework.training.calls import loss_of, training_outputs

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.recipe.sections import Recipe
    from framework.training.criterion import Criterion
    from framework.training.precision import Precision


class MicroBatch(NamedTuple):
    """The images of one forward pass, on the training device."""

    images: Tensor
    """The input of the network, normalised float32 B×C×H×W, after augmentation."""
    targets: Tensor
    """Class probabilities, float32 B×K."""
    fraction: float
    """The fraction of the step's images; the loss is multiplied by it."""


@dataclass
class TrainingStep:
    """One optimizer step. Forward passes use the precision, loss and compiled network of the run."""

    recipe: Recipe
    model: nn.Module
    """The network, in training mode."""
    index: int
    """The optimizer step, from 0."""
    total_steps: int
    """Optimizer steps of the whole run."""
    second_order: bool
    """Whether the optimizer differentiates the gradients: then they and the weights must not be changed."""
    network: Callable[[Tensor], Any] = field(repr=False)
    criterion: Criterion = field(repr=False)
    precision: Precision = field(repr=False)
    source: Iterator[tuple[Tensor, Tensor, float]] = field(repr=False)
    mark: Callable[[str], None] = field(default=lambda phase: None, repr=False)
    """Called with the name of each phase at its end."""
    taken: list[Tensor] = field(default_factory=list, init=False, repr=False)
    """The targets of the micro-batches that the method has taken."""
    differentiated: bool = field(default=False, init=False)
    """Whether the method has called `backward`."""

    def batches(self) -> Iterator[MicroBatch]:
        """The micro-batches of the step, `train.grad_accum_steps` of them.

        They can be iterated over once; a method that needs them again keeps them in a list.
        """
        for batch in self.source:
            self.mark("data")
            self.taken.append(batch[1])
            yield MicroBatch(*batch)

    def forward(self, batch: MicroBatch) -> tuple[Tensor, Tensor]:
        """The recipe's loss of a micro-batch, a scalar, and its logits, float32 B×K.

        Losses of auxiliary heads are included, with their weight.
        """
        logits, *auxiliary = self._outputs(batch.images, batch.targets.shape[1])
        loss = self.loss(logits, batch)
        if auxiliary and (weight := self.recipe.model.auxiliary_weight()):
            loss = loss + weight * torch.stack([self.loss(head, batch) for head in auxiliary]).sum()
        self.mark("forward")
        return loss, logits

    def logits(self, images: Tensor) -> Tensor:
        """Logits, float32 B×K, of images in training mode."""
        return self._outputs(images, self.taken[0].shape[1])[0]

    def loss(self, logits: Tensor, batch: MicroBatch) -> Tensor:
        """The recipe's loss, a scalar, of logits B×K with the targets of a micro-batch."""
        return loss_of(self.recipe.loss, self.criterion, logits, batch.targets, batch.images)

    def backward(self, loss: Tensor, batch: MicroBatch) -> None:
        """Add the gradients of the loss of a micro-batch, times its fraction of the step.

        In float16, gradients are scaled by a factor that is the same for the whole step.
        """
        # Attributed to the loss, where the graph starts.
        recipe = self.recipe
        with attributed_to(recipe.loss, f"the backward pass through it and model '{recipe.model.name}'"):
            self.precision.backward(loss * batch.fraction, create_graph=self.second_order)
        self.differentiated = True
        self.mark("backward")

    def seed(self) -> None:
        """Seed PyTorch's global random generators as at the start of the step, for the same dropout in another pass."""
        torch.manual_seed(seed_at(self.recipe.seed, "step", self.index))

    def frozen_statistics(self) -> AbstractContextManager[None]:
        """A context in which batch normalisation does not update its running statistics."""
        return frozen_statistics(self.model)

    def _outputs(self, images: Tensor, classes: int) -> list[Tensor]:
        with self.precision.forward_pass():
            outputs = training_outputs(self.recipe.model, self.network, images, classes)
        return [logits.float() for logits in outputs]
