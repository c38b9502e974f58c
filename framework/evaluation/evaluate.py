"""A network over images, always in float32, gradients off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework.evaluation.answers import Answers
from framework.evaluation.views import views_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.components import Activation
    from framework.data.preprocess import Preprocessor
    from framework.data.stores.store import Store


@dataclass(frozen=True)
class Evaluator:
    """How images are shown to a network whenever it is not trained: at the end of a run and ever after."""

    preprocess: Preprocessor
    device: torch.device
    batch_size: int
    channels_last: bool = True
    views: int = 1
    activation: Activation = "softmax"
    """Of the loss that trains the network."""

    @torch.inference_mode()
    def logits(self, model: nn.Module, batches: Iterable[Tensor]) -> Tensor:
        """Logits float32 N×K, on the CPU, of batches of uint8 images B×C×H×W, the mean over their views.

        The network is left in evaluation mode.
        """
        model.eval()
        logits = []
        for batch in batches:
            inputs = self.preprocess.network_input(batch.to(self.device))
            answers = [model(self.laid_out(view)).float() for view in views_of(inputs, self.views)]
            logits.append(torch.stack(answers).mean(0))
        return torch.cat(logits).cpu()

    def answers(self, model: nn.Module, store: Store) -> Answers:
        """What the network says of every image of a split."""
        logits = self.logits(model, store.pixels.in_order(self.batch_size))
        return Answers(store.classes, store.names, store.labels, logits, store.hashes, self.activation)

    def inputs(self, batch: Tensor) -> Tensor:
        """What the network gets of uint8 images B×C×H×W by a single view, where it is."""
        return self.laid_out(self.preprocess.network_input(batch.to(self.device)))

    def laid_out(self, view: Tensor) -> Tensor:
        """The batch in the memory format that the network was trained with."""
        return view.contiguous(memory_format=torch.channels_last) if self.channels_last else view.contiguous()
