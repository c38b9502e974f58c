"""An exported network under onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.runs.trained import Trained


def open_session(path: Path, threads: int = 0) -> Any:
    """An `onnxruntime.InferenceSession` on the CPU with so many threads, 0 for as many as there are processors.

    Raises `UserError` where onnxruntime is missing or does not take the file.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UserError("ONNX files need onnxruntime: pip install 'framework[export]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; it warns of nodes that it folds away
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UserError(f"{path}: onnxruntime {onnxruntime.__version__} does not take it: {error}") from None


@dataclass(frozen=True)
class OnnxEngine:
    """The graph, with preprocessing, views and temperature inside; see `predictor.Engine`.

    It is given images of the network's size, which its own resizing leaves exactly as they are.
    """

    label: str
    session: Any
    tta: int
    temperature: float
    """Inside the graph."""
    factor: float = 1.0
    """What its logits are multiplied by, for another temperature."""

    @classmethod
    def load(cls, trained: Trained) -> OnnxEngine:
        """Of an ONNX file that `framework export` wrote."""
        views = trained.documents["model"]["evaluation"]["tta"]
        return cls(trained.label, open_session(trained.weights), views, trained.temperature)

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return torch.device("cpu")

    def with_tta(self, number: int) -> OnnxEngine:
        """The same; raises `UserError` where another number is asked for than the file has."""
        if number != self.tta:
            raise UserError(
                f"{self.label}: views are part of the exported graph, and it has {self.tta}, not {number}; "
                f"export the run with evaluate.tta={number}"
            )
        return self

    def with_temperature(self, temperature: float) -> OnnxEngine:
        """The same, at another temperature than the graph has inside."""
        return replace(self, factor=self.temperature / temperature)

    def __call__(self, images: Tensor) -> Tensor:
        """Calibrated logits float32 B×K."""
        logits: NDArray[np.float32] = self.session.run(["logits"], {"images": as_rgb(images.numpy())})[0]
        return torch.from_numpy(logits if self.factor == 1 else logits * np.float32(self.factor))


def as_rgb(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Uint8 B×C×H×W as the graph takes it: gray in all three channels."""
    return images if images.shape[1] == 3 else np.repeat(images, 3, axis=1)
