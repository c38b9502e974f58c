"""From the pixels of an image to probabilities: preprocessing, TTA views, network, temperature, activation."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from framework.errors import RunFailed
from framework.evaluation.probabilities import probabilities
from framework.evaluation.tta import tta_views
from framework.inference.torch_engine import TorchEngine

EXAMPLE = (2, 3, 37, 41)
"""The shape that is traced. No side is 0 or 1, which tracing treats as constants, and no two are equal."""


class Classifier(nn.Module):
    """RGB images, uint8 B×3×H×W of any size, to probabilities and calibrated logits, float32 B×K.

    It uses the run's own `Preprocessor`, TTA views and network. A grayscale image is given as three equal channels;
    a grayscale network then gets exactly those values.
    """

    def __init__(self, engine: TorchEngine) -> None:
        super().__init__()
        self.model = copy.deepcopy(engine.model).to(memory_format=torch.contiguous_format).eval()
        self.preprocess = engine.evaluator.preprocess
        self.tta = engine.evaluator.tta
        self.temperature = engine.temperature
        self.activation = engine.evaluator.activation

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities and logits."""
        resized = self.preprocess.resized_batch(self.preprocess.with_channels(images))
        views = list(tta_views(self.preprocess.network_input(resized), self.tta))
        logits = self.model(torch.cat(views)).unflatten(0, (self.tta, -1)).mean(0) / self.temperature
        return probabilities(logits, self.activation), logits


def traced(engine: TorchEngine) -> torch.export.ExportedProgram:
    """The classifier as a graph for any batch size, height and width; raises `RunFailed` if it cannot be traced."""
    any_size = torch.export.Dim.DYNAMIC
    example = torch.zeros(EXAMPLE, dtype=torch.uint8)
    try:
        with torch.no_grad():
            return torch.export.export(
                Classifier(engine), (example,), dynamic_shapes=({0: any_size, 2: any_size, 3: any_size},)
            )
    except Exception as error:
        first = str(error).strip().splitlines() or [""]
        raise RunFailed(
            f"torch.export cannot trace this network for any batch size: {type(error).__name__}: {first[0]}\n"
            "    Its code branches on a value or a shape. --format bundle does not trace it"
        ) from None
