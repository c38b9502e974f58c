"""Mixed precision, gradient clipping and the optimizer step, as one object that the loop calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch

from framework.device import allow_tf32
from framework.training.small_maps import small_map_convolutions

if TYPE_CHECKING:
    from torch import Tensor, nn


class Precision:
    """Forward and backward in `dtype` by autocast; float16 gradients are scaled (Micikevicius et al., 2018).

    `tf32` lets a CUDA device multiply float32 in TF32 in these passes, and nowhere else.
    """

    def __init__(
        self, device: torch.device, dtype: torch.dtype, clip_grad_norm: float | None = None, tf32: bool = False
    ) -> None:
        self.dtype = dtype
        self.device = device
        self.clip_grad_norm = clip_grad_norm
        self.tf32 = tf32
        self.own_kernels = True
        """Whether convolutions on small maps may take a kernel of ours; a compiled network has kernels of its own."""
        self.scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
        self._scale = self.scaler.get_scale()

    @contextmanager
    def forward_pass(self) -> Iterator[None]:
        """The context of a forward pass in training."""
        mixed = torch.autocast(self.device.type, self.dtype) if self.dtype != torch.float32 else nullcontext()
        kernels = small_map_convolutions(self.device, self.dtype) if self.own_kernels else nullcontext()
        with self._products(), mixed, kernels:
            yield

    def backward(self, loss: Tensor) -> None:
        """Add this loss's gradients."""
        with self._products():
            self.scaler.scale(loss).backward()

    def step(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> bool:
        """Clip, update the weights, and forget the gradients; whether the weights were updated.

        In float16, a step whose gradients overflowed is skipped and the scale is halved. That is known on the device
        alone, so float16 waits for the device in each step. No other precision does.
        """
        if self.clip_grad_norm is not None:
            self.scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.clip_grad_norm)
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.zero_grad(set_to_none=True)
        before, self._scale = self._scale, self.scaler.get_scale()
        return self._scale >= before

    def state_dict(self) -> dict[str, Any]:
        """The scaler's state."""
        return self.scaler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.scaler.load_state_dict(state)
        self._scale = self.scaler.get_scale()

    @contextmanager
    def _products(self) -> Iterator[None]:
        """The arithmetic of products of float32 matrices and of convolutions on CUDA."""
        if not self.tf32:
            yield
            return
        before = allow_tf32(True)
        try:
            yield
        finally:
            allow_tf32(before)
