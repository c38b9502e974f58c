"""Exported graphs: ONNX under onnxruntime, `torch.export` under PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from framework.components import Activation
from framework.errors import UserError
from framework.evaluation.probabilities import probabilities
from framework.runs.recipe import tta_of
from framework.runs.trained import Trained

Graph = Callable[["Tensor"], "tuple[Tensor, Tensor]"]
"""RGB images uint8 B×3×H×W of any size to probabilities and logits, float32 B×K each."""


@dataclass(frozen=True)
class GraphEngine:
    """An `Engine` on the CPU whose graph includes preprocessing, TTA views, temperature and activation."""

    label: str
    graph: Graph
    activation: Activation
    tta: int
    temperature: float
    """The one in the graph."""
    factor: float = 1.0
    """Multiplies the logits, to change the temperature."""

    @classmethod
    def load(cls, trained: Trained) -> GraphEngine:
        """Load an ONNX or .pt2 file of `framework export`."""
        graph = pt2_graph(trained.weights) if trained.session is None else onnx_graph(trained.session)
        return cls(trained.label, graph, trained.activation, tta_of(trained), trained.temperature)

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    def with_tta(self, number: int) -> GraphEngine:
        """The same engine; raises `UserError` for another number of views than the graph has."""
        if number != self.tta:
            raise UserError(
                f"{self.label}: evaluate.tta is fixed in an export: it is {self.tta}, not {number}. "
                f"Export the run again with evaluate.tta={number}"
            )
        return self

    def with_temperature(self, temperature: float) -> GraphEngine:
        """The same graph at another temperature."""
        return replace(self, factor=self.temperature / temperature)

    def __call__(self, images: Tensor) -> Tensor:
        """Logits float32 B×K, divided by the temperature."""
        logits = self.graph(as_rgb(images))[1]
        return logits if self.factor == 1 else logits * self.factor

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities float32 B×K, as the graph computes them."""
        return self.graph(as_rgb(images))[0] if self.factor == 1 else probabilities(self(images), self.activation)


def onnx_graph(session: Any) -> Graph:
    """The graph of an `onnxruntime.InferenceSession`."""

    def compute(images: Tensor) -> tuple[Tensor, Tensor]:
        outputs = session.run(["probabilities", "logits"], {"images": images.numpy()})
        return torch.from_numpy(outputs[0]), torch.from_numpy(outputs[1])

    return compute


def pt2_graph(path: Path) -> Graph:
    """The graph of a `torch.export` file; raises `UserError` if it cannot be loaded."""
    try:
        module = torch.export.load(str(path)).module()
    except Exception as error:
        raise UserError(f"{path}: torch {torch.__version__} cannot load it: {error}") from None

    @torch.inference_mode()
    def compute(images: Tensor) -> tuple[Tensor, Tensor]:
        outputs: tuple[Tensor, Tensor] = module(images)
        return outputs

    return compute


def as_rgb(images: Tensor) -> Tensor:
    """Grayscale images uint8 B×1×H×W as three equal channels."""
    return images if images.shape[1] == 3 else images.expand(-1, 3, -1, -1).contiguous()
