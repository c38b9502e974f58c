"""A network over a store, always in float32, gradients off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from framework.evaluation.metrics import classification_metrics

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.data.preprocess import Preprocessor
    from framework.data.store import Store


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    images: Tensor,
    preprocess: Preprocessor,
    device: torch.device,
    batch_size: int,
    channels_last: bool = True,
) -> Tensor:
    """Logits float32 N×K, on the CPU, of uint8 images N×C×H×W. The network is left in evaluation mode."""
    model.eval()
    logits = []
    for batch in images.split(batch_size):
        inputs = preprocess.network_input(batch.to(device))
        if channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        logits.append(model(inputs).float())
    return torch.cat(logits).cpu()


def evaluate_store(
    model: nn.Module,
    store: Store,
    preprocess: Preprocessor,
    device: torch.device,
    batch_size: int,
    channels_last: bool = True,
) -> dict[str, Any]:
    """Every figure of a split."""
    logits = predict_logits(model, store.images, preprocess, device, batch_size, channels_last)
    return classification_metrics(logits, store.labels, store.classes)
