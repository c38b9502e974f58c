"""An optimizer step as a method sees it: its micro-batches, forward and backward passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from framework.attribution import attributed_to
from framework.data.batches import MicroBatch
from framework.data.seeding import seed_at
from framework.training.batch_norm import frozen_statistics
from framework.training.calls import loss_of, training_outputs
from framework.training.optimizer_traits import is_second_order

if TYPE_CHECKING:
    from framework.training.session import Session


@dataclass
class TrainingStep:
    """One optimizer step. Forward passes use the precision, the loss and the compiled network of the run."""

    session: Session = field(repr=False)
    """The parts of the training. Methods of plugins use the other attributes: those of the session may change."""
    index: int
    """The number of the optimizer step, from 0."""
    batches: Iterator[MicroBatch] = field(repr=False)
    """The micro-batches of the step, `train.grad_accum_steps` of them.

    They can be iterated over once; a method that needs them again holds them in a list.
    """
    mark: Callable[[str], None] = field(default=lambda phase: None, repr=False)
    """Called with the name of each phase at its end."""
    has_gradients: bool = field(default=False, init=False)
    """Whether `backward` has been called."""

    @property
    def model(self) -> nn.Module:
        """The network, in training mode."""
        return self.session.model

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self.session.total_steps

    @property
    def second_order(self) -> bool:
        """Whether the optimizer differentiates the gradients: then they and the weights must not be changed."""
        return is_second_order(self.session.optimizer)

    def forward(self, batch: MicroBatch) -> tuple[Tensor, Tensor]:
        """The recipe's loss of a micro-batch, a scalar, and its logits, float32 B×K.

        The loss includes those of auxiliary heads, with their weight.
        """
        logits, *auxiliary = self._outputs(batch.images)
        loss = self.loss(logits, batch)
        if auxiliary and (weight := self.session.recipe.model.auxiliary_weight()):
            loss = loss + weight * torch.stack([self.loss(head, batch) for head in auxiliary]).sum()
        self.mark("forward")
        return loss, logits

    def logits(self, images: Tensor) -> Tensor:
        """Logits, float32 B×K, of normalised images B×C×H×W, in training mode."""
        return self._outputs(images)[0]

    def loss(self, logits: Tensor, batch: MicroBatch) -> Tensor:
        """The recipe's loss, a scalar, of logits B×K with the targets of a micro-batch."""
        return loss_of(self.session.recipe.loss, self.session.loss, logits, batch.targets, batch.images)

    def backward(self, loss: Tensor, batch: MicroBatch) -> None:
        """Add the gradients of the loss of a micro-batch, multiplied by its fraction of the step.

        In float16, gradients are scaled by a factor that is the same for the whole step.
        """
        recipe = self.session.recipe
        # Attributed to the loss, the root of the graph.
        with attributed_to(recipe.loss, f"the backward pass through it and model '{recipe.model.name}'"):
            self.session.precision.backward(loss * batch.fraction, create_graph=self.second_order)
        self.has_gradients = True
        self.mark("backward")

    def seed(self) -> None:
        """Seed PyTorch's global random generators as at the start of the step, for the same dropout in another pass."""
        torch.manual_seed(seed_at(self.session.recipe.seed, "step", self.index))

    def frozen_statistics(self) -> AbstractContextManager[None]:
        """A context in which batch normalisation does not update its running statistics."""
        return frozen_statistics(self.model)

    def _outputs(self, images: Tensor) -> list[Tensor]:
        session = self.session
        with session.precision.forward_pass():
            outputs = training_outputs(session.recipe.model, session.network, images, session.batches.num_classes)
        return [logits.float() for logits in outputs]
