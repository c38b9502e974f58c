"""Faster convolutions on small feature maps on the CPU: the weight's gradient as one matrix product.

oneDNN's bfloat16 kernels are slow there: for a convolution of 512 channels on 2×2 maps, as in the last stage of
ResNet-18 on 64×64 images, the weight's gradient takes as long as the forward pass and the input's gradient together.
Unfolding the images (Chellapilla, Puri and Simard, 2006) and one product compute the same sums faster;
`python -m tests.benchmarks.cpu_step` measures the gain. The forward pass and the input's gradient still use oneDNN, and
the network's modules are not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

MAX_POSITIONS = 16
"""Positions of the largest map (4×4) for which unfolding is not slower."""

MIN_CHANNELS = 128
"""Input and output channels from which unfolding is faster."""


def small_map_convolutions(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[object]:
    """A context for forward passes that uses `SmallMapConvolutions` on devices and dtypes where they are faster."""
    return SmallMapConvolutions() if device.type == "cpu" and dtype == torch.bfloat16 else nullcontext()


class SmallMapConvolutions(TorchFunctionMode):
    """Replaces `conv2d` on small maps by `SmallMapConvolution`, in the precision of autocast.

    Other calls are not changed, nor are calls of networks that disable autocast.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Called in place of every function of PyTorch."""
        if func is torch.conv2d and not kwargs and len(args) == 7 and torch.is_autocast_enabled("cpu"):
            images, weight, bias, stride, padding, dilation, groups = args
            if (
                groups == 1
                and dilation == (1, 1)
                and isinstance(padding, tuple)
                and _is_faster(images, weight, stride, padding)
            ):
                dtype = torch.get_autocast_dtype("cpu")
                bias = None if bias is None else bias.to(dtype)
                return SmallMapConvolution.apply(images.to(dtype), weight.to(dtype), bias, stride, padding)
        return func(*args, **(kwargs or {}))


class SmallMapConvolution(torch.autograd.Function):
    """A convolution of `images` (N, C, H, W) with `weight` (O, C, h, w), with one group and no dilation."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple[int, int], padding: tuple[int, int]
    ) -> Tensor:
        """Feature maps (N, O, H', W')."""
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(images, weight, bias, stride, padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of images, weight and bias."""
        images, weight = ctx.saved_tensors
        needed = ctx.needs_input_grad
        of_images = of_weight = None
        if needed[0]:
            of_images = torch.ops.aten.convolution_backward(
                gradient, images, weight, None, ctx.stride, ctx.padding, (1, 1), False, (0, 0), 1, (True, False, False)
            )[0]
        if needed[1]:
            of_weight = weight_gradient(images, gradient, weight.shape[2:], ctx.stride, ctx.padding)
        return of_images, of_weight, gradient.sum((0, 2, 3)) if needed[2] else None, None, None


def weight_gradient(
    images: Tensor, gradient: Tensor, kernel: torch.Size, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """The gradient (O, C, h, w) of an h×w kernel, from images (N, C, H, W) and output gradients (N, O, H', W')."""
    height, width = gradient.shape[2:]
    padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, padding[1], padding[1], padding[0], padding[0])).contiguous()
    of_image, of_row, of_column, of_channel = padded.stride()
    patches = padded.as_strided(
        (len(images), height, width, *kernel, images.shape[1]),
        (of_image, of_row * stride[0], of_column * stride[1], of_row, of_column, of_channel),
    ).reshape(gradient[:, 0].numel(), -1)
    product = gradient.permute(1, 0, 2, 3).reshape(gradient.shape[1], -1) @ patches
    return product.view(-1, *kernel, images.shape[1]).permute(0, 3, 1, 2)


def _is_faster(images: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> bool:
    """Whether the maps are small, the channels are many, and the weight is trained."""
    if not (torch.is_grad_enabled() and weight.requires_grad) or min(weight.shape[:2]) < MIN_CHANNELS:
        return False
    kernel = weight.shape[2:]
    if images.dim() != 4 or kernel.numel() == 1:
        return False
    rows, columns = (
        (side + 2 * pad - taps) // step + 1
        for side, pad, taps, step in zip(images.shape[2:], padding, kernel, stride, strict=True)
    )
    return rows * columns <= MAX_POSITIONS
