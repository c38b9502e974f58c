"""Convolutions on small maps: the same numbers, and only where they are faster."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from framework.training.small_maps import SmallMapConvolution, small_map_convolutions

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        ((2, 2), (3, 3), (1, 1), (1, 1)),
        ((4, 4), (3, 3), (2, 2), (1, 1)),
        ((3, 4), (3, 2), (2, 1), (1, 0)),
        ((1, 1), (3, 3), (1, 1), (1, 1)),
        ((5, 3), (5, 3), (1, 1), (0, 0)),
    ],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gradients_are_those_of_the_direct_convolution(size, kernel, stride, padding, layout):
    generator = torch.Generator().manual_seed(0)
    images, weight, bias = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in [(5, 4, *size), (6, 4, *kernel), (6,)]
    )
    given = [images.contiguous(memory_format=layout), weight.contiguous(memory_format=layout), bias]
    for tensor in given:
        tensor.requires_grad_()
    direct = F.conv2d(*given, stride, padding)
    ours = SmallMapConvolution.apply(*given, stride, padding)
    assert torch.equal(ours, direct)
    upstream = torch.randn(direct.shape, generator=generator, dtype=torch.float64)
    expected = torch.autograd.grad(direct, given, upstream)
    for gradient, other in zip(torch.autograd.grad(ours, given, upstream), expected, strict=True):
        torch.testing.assert_close(gradient, other)


def node_of(
    layer: nn.Module, images: torch.Tensor, device: torch.device = CPU, dtype: torch.dtype = torch.bfloat16
) -> str:
    """The name of the autograd node of the layer's output."""
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32), small_map_convolutions(device, dtype):
        return type(layer(images).grad_fn).__name__


def test_only_small_maps_with_many_channels_in_bfloat16_on_the_cpu_are_replaced():
    wide, images = nn.Conv2d(128, 128, 3, padding=1), torch.zeros(2, 128, 2, 2)
    assert node_of(wide, images) == "SmallMapConvolutionBackward"
    assert node_of(wide, torch.zeros(2, 128, 4, 4)) == "SmallMapConvolutionBackward"
    assert node_of(wide, torch.zeros(2, 128, 5, 5)) == "ConvolutionBackward0"
    assert node_of(wide, images, dtype=torch.float32) == "ConvolutionBackward0"
    assert node_of(wide, images, device=torch.device("cuda")) == "ConvolutionBackward0"
    for other in [
        nn.Conv2d(128, 64, 3, padding=1),
        nn.Conv2d(128, 128, 1),
        nn.Conv2d(128, 128, 3, padding=1, groups=2),
        nn.Conv2d(128, 128, 3, padding=2, dilation=2),
        nn.Conv2d(128, 128, 3, padding="same"),
    ]:
        assert node_of(other, images) == "ConvolutionBackward0"


def test_a_network_that_disables_autocast_keeps_its_precision():
    class Delicate(nn.Module):
        def forward(self, images):
            with torch.autocast("cpu", enabled=False):
                return wide(images)

    wide = nn.Conv2d(128, 128, 3, padding=1)
    with torch.autocast("cpu", torch.bfloat16), small_map_convolutions(CPU, torch.bfloat16):
        assert Delicate()(torch.zeros(2, 128, 2, 2)).dtype == torch.float32


def test_a_frozen_weight_uses_the_direct_convolution():
    frozen = nn.Conv2d(128, 128, 3, padding=1).requires_grad_(False)
    images = torch.zeros(2, 128, 2, 2, requires_grad=True)
    assert node_of(frozen, images) == "ConvolutionBackward0"


def test_gradients_are_those_of_autocast():
    torch.manual_seed(0)
    layer, images = nn.Conv2d(128, 128, 3, padding=1), torch.randn(8, 128, 2, 2)
    gradients = []
    for context in (small_map_convolutions(CPU, torch.bfloat16), small_map_convolutions(CPU, torch.float32)):
        layer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16), context:
            output = layer(images)
        assert output.dtype == torch.bfloat16
        output.float().square().mean().backward()
        gradients.append([parameter.grad for parameter in layer.parameters()])
    for gradient, expected in zip(*gradients, strict=True):
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient, expected, rtol=0.02, atol=0.02 * expected.abs().max().item())
