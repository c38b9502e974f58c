"""Mixed precision, gradient clipping and the optimizer step, as one object that the loop calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from framework.training.small_maps import small_map_convolutions

if TYPE_CHECKING:
    from torch import Tensor, nn


class Precision:
    """Forward and backward in `dtype` by autocast; float16 gradients are scaled (Micikevicius et al., 2018)."""

    def __init__(self, device: torch.device, dtype: torch.dtype, clip_grad_norm: float | None = None) -> None:
        self.dtype = dtype
        self.device = device
        self.clip_grad_norm = clip_grad_norm
        self.scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)

    @contextmanager
    def forward_pass(self) -> Iterator[None]:
        """The context of a forward pass in training."""
        mixed = torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
        with mixed, small_map_convolutions(self.device, self.dtype):
            yield

    def backward(self, loss: Tensor) -> None:
        """Add this loss's gradients."""
        self.scaler.scale(loss).backward()

    def step(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
        """Clip, update the weights, and forget the gradients."""
        if self.clip_grad_norm is not None:
            self.scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.clip_grad_norm)
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """The scaler's state."""
        return self.scaler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.scaler.load_state_dict(state)
