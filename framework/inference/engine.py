"""What every form of a trained network can do: in PyTorch, as an ONNX file, as a `torch.export` file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Engine(Protocol):
    """Computes logits and probabilities of decoded images, uint8 B×C×H×W with C 1 or 3, of any height and width.

    Preprocessing is included. Images that `Preprocessor` has resized already are used as they are.
    """

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def tta(self) -> int:
        """Number of test-time augmentation views whose logits are averaged."""

    @property
    def temperature(self) -> float:
        """What divides the logits."""

    def __call__(self, images: Tensor) -> Tensor:
        """Logits float32 B×K on the CPU, divided by the temperature."""

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities B×K on the CPU; an exported graph computes them itself."""

    def with_tta(self, number: int) -> Engine:
        """The same network with another number of views; raises `UserError` if it is fixed in the graph."""

    def with_temperature(self, temperature: float) -> Engine:
        """The same network at another temperature."""
