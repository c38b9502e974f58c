"""Optimizers of `torch.optim`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from framework import Optimizer

if TYPE_CHECKING:
    import torch
    from torch import nn


class TorchOptimizer(Optimizer):
    """Options common to all optimizers of torch."""

    weight_decay: float = Field(0.0, ge=0)
    """Decay of weight matrices and convolution kernels. Not decayed: biases, normalisation weights, and the model's
    `no_weight_decay()`; for models without it, class tokens, position embeddings, position bias tables and layer
    scale."""
    layer_decay: float | None = Field(None, gt=0, le=1)
    """Layer-wise learning-rate decay: factor from each stage of the network to the one before it; the last stage has
    the full rate. For fine-tuning, 0.65 to 0.9."""

    def groups(self, model: nn.Module, lr: float) -> list[dict[str, Any]]:
        """The trainable parameters in groups with their own learning rate and weight decay."""
        from framework_torch._groups import parameter_groups

        return parameter_groups(model, lr, self.weight_decay, self.layer_decay)


class SGD(TorchOptimizer):
    """Stochastic gradient descent with momentum (`torch.optim.SGD`)."""

    name = "sgd"
    lr: float = Field(0.1, gt=0)
    """Learning rate."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Fraction of the previous update kept."""
    nesterov: bool = True
    """Nesterov momentum; ignored if momentum is 0."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer."""
        import torch

        return torch.optim.SGD(
            self.groups(model, self.lr),
            self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov and self.momentum > 0,
            fused=_on_cuda(model) or None,
        )


class AdaptiveOptimizer(TorchOptimizer):
    """Options common to Adam and AdamW."""

    lr: float = Field(1e-3, gt=0)
    """Learning rate."""
    beta1: float = Field(0.9, ge=0, lt=1)
    """Decay of the first moment."""
    beta2: float = Field(0.999, ge=0, lt=1)
    """Decay of the running mean of the squared gradient."""
    eps: float = Field(1e-8, gt=0)
    """Added to the denominator."""


class Adam(AdaptiveOptimizer):
    """Adam (Kingma & Ba, 2015); weight decay is added to the gradient (`torch.optim.Adam`)."""

    name = "adam"

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer."""
        import torch

        betas = (self.beta1, self.beta2)
        return torch.optim.Adam(self.groups(model, self.lr), self.lr, betas, self.eps, fused=_can_fuse(model))


class AdamW(AdaptiveOptimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019; `torch.optim.AdamW`)."""

    name = "adamw"
    weight_decay: float = Field(0.01, ge=0)
    """Decay of weight matrices and convolution kernels per step, multiplied by the learning rate."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer."""
        import torch

        betas = (self.beta1, self.beta2)
        groups = self.groups(model, self.lr)
        return torch.optim.AdamW(groups, self.lr, betas, self.eps, self.weight_decay, fused=_can_fuse(model))


class RMSprop(TorchOptimizer):
    """RMSprop (Hinton, 2012; `torch.optim.RMSprop`)."""

    name = "rmsprop"
    lr: float = Field(1e-3, gt=0)
    """Learning rate."""
    alpha: float = Field(0.9, ge=0, lt=1)
    """Decay of the running mean of the squared gradient."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Fraction of the previous update kept."""
    eps: float = Field(1e-3, gt=0)
    """Added to the denominator."""

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer."""
        import torch

        groups = self.groups(model, self.lr)
        return torch.optim.RMSprop(groups, self.lr, self.alpha, self.eps, momentum=self.momentum)


def _on_cuda(model: nn.Module) -> bool:
    return next(model.parameters()).device.type == "cuda"


def _can_fuse(model: nn.Module) -> bool:
    """Whether a fused kernel exists: on CUDA and on the CPU."""
    return next(model.parameters()).device.type in ("cuda", "cpu")


OPTIMIZERS = (SGD, Adam, AdamW, RMSprop)
