"""Mixed precision, gradient clipping and the optimizer step."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from framework.device import tf32
from framework.training.small_maps import small_map_convolutions


class Precision:
    """Forward and backward passes in `dtype` by autocast; float16 gradients are scaled (Micikevicius et al., 2018).

    `allow_tf32` permits TF32 on CUDA devices in these passes, and nowhere else.
    """

    def __init__(
        self, device: torch.device, dtype: torch.dtype, clip_grad_norm: float | None = None, allow_tf32: bool = False
    ) -> None:
        self.dtype = dtype
        self.device = device
        self.clip_grad_norm = clip_grad_norm
        self.allow_tf32 = allow_tf32
        self.own_kernels = True
        """Whether to use `small_map_convolutions`: not in compiled networks, which have their own kernels, nor for
        second derivatives."""
        self.scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
        self._scale = self.scaler.get_scale()

    @contextmanager
    def forward_pass(self) -> Iterator[None]:
        """The context of a forward pass in training."""
        mixed = torch.autocast(self.device.type, self.dtype) if self.dtype != torch.float32 else nullcontext()
        kernels = small_map_convolutions(self.device, self.dtype) if self.own_kernels else nullcontext()
        with self._tf32(), mixed, kernels:
            yield

    def backward(self, loss: Tensor, create_graph: bool = False) -> None:
        """Add this loss's gradients; with `create_graph` they can be differentiated, until they are reset."""
        with self._tf32():
            if not create_graph:
                self.scaler.scale(loss).backward()
                return
            with warnings.catch_warnings():  # of a reference cycle, which resetting the gradients breaks
                warnings.filterwarnings("ignore", "Using backward.. with create_graph=True")
                loss.backward(create_graph=True)

    def clip(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
        """Scale the gradients down to the maximum norm, if there is one."""
        if self.clip_grad_norm is not None:
            self.scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), self.clip_grad_norm)

    def step(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> bool:
        """Clip, update the weights, and reset the gradients; returns whether the weights were updated.

        In float16, a step whose gradients overflow is skipped and the scale is halved. Only the device knows whether
        they do, so float16 waits for the device in each step. Other precisions do not.
        """
        self.clip(optimizer, model)
        if self.scaler.is_enabled():
            # Otherwise torch leaves skipping to the fused kernels, and that of SGD starts with undefined momentum if
            # the first step overflows.
            optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.zero_grad(set_to_none=True)
        before, self._scale = self._scale, self.scaler.get_scale()
        return self._scale >= before

    def state_dict(self) -> dict[str, Any]:
        """The scaler's state."""
        return self.scaler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the scaler's state."""
        self.scaler.load_state_dict(state)
        self._scale = self.scaler.get_scale()

    def _tf32(self) -> AbstractContextManager[None]:
        return tf32(True) if self.allow_tf32 else nullcontext()
