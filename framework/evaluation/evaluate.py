"""Evaluate a network on images, always in float32 and without gradients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from framework.attribution import attributed_to, fault
from framework.components import Activation, Component, Model
from framework.data.preprocess import Preprocessor
from framework.data.stores.store import Store
from framework.device import tf32
from framework.errors import count
from framework.evaluation.predictions import Predictions
from framework.evaluation.tta import tta_views


@dataclass(frozen=True)
class Evaluator:
    """The evaluation settings of a network, the same at the end of a run and later."""

    preprocess: Preprocessor
    device: torch.device
    batch_size: int
    channels_last: bool = True
    tta: int = 1
    activation: Activation = "softmax"
    """That of the loss that the network was trained with."""
    component: Model | None = None
    """The component that built the network, for messages about its faults."""

    @torch.inference_mode()
    def logits(self, model: nn.Module, batches: Iterable[Tensor]) -> Tensor:
        """Logits float32 N×K, on the CPU, of batches of uint8 images B×C×H×W, averaged over TTA views.

        Leaves the network in evaluation mode.
        """
        model.eval()
        logits = []
        for batch in batches:
            inputs = self.preprocess.network_input(batch.to(self.device))
            of_views = [self.forward(model, self.laid_out(view)).float() for view in tta_views(inputs, self.tta)]
            logits.append(torch.stack(of_views).mean(0))
        return torch.cat(logits).cpu()

    def predictions(self, model: nn.Module, store: Store) -> Predictions:
        """Predict every image of a split."""
        logits = self.logits(model, store.pixels.in_order(self.batch_size))
        return Predictions(store.classes, store.names, store.labels, logits, store.hashes, self.activation)

    def forward(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Logits B×K of the network's input; raises `ComponentFault` if it fails or returns something else."""
        with tf32(False):
            if self.component is None:
                logits: Tensor = model(inputs)
                return logits
            with attributed_to(self.component, "evaluation mode"):
                logits = model(inputs)
        return require_logits(self.component, logits, (len(inputs), None), "in evaluation mode")

    def inputs(self, batch: Tensor) -> Tensor:
        """The network's input for uint8 images B×C×H×W, on its device, without TTA."""
        return self.laid_out(self.preprocess.network_input(batch.to(self.device)))

    def laid_out(self, view: Tensor) -> Tensor:
        """The batch in the memory format of the training."""
        return view.contiguous(memory_format=torch.channels_last) if self.channels_last else view.contiguous()


def require_logits(component: Component, logits: object, shape: tuple[int, int | None], when: str) -> Tensor:
    """Return `logits` if it is a tensor of that shape (None: any number), else raise `ComponentFault`."""
    number, classes = shape
    if isinstance(logits, torch.Tensor) and logits.ndim == 2 and logits.shape == (number, classes or logits.shape[1]):
        return logits
    expected = f"logits of shape {shape}" if classes else f"logits B×K for {number} images"
    raise fault(component, f"must return {expected} {when}; it returned {described(logits)}")


def described(value: object) -> str:
    """The shape of a tensor, or the type of another object, for messages."""
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {count(len(value), 'entry', 'entries')}"
    return "None" if value is None else f"an object of type {type(value).__name__}"
