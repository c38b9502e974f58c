"""The network, its blocks and its whitening layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 5e-4
"""Added to the variances before division: components of small variance are mostly noise."""

MAX_PATCH_VALUES = 2**25
"""Patch values in memory at a time, in float64: all patches of large images take gigabytes."""


class SpeedNetwork(nn.Module):
    """Float32 B×C×H×W to logits B×K; H and W of 16 or more."""

    def __init__(
        self,
        num_classes: int,
        channels: int,
        widths: tuple[int, int, int],
        depth: int,
        patch: int,
        whiten: bool,
        dirac: bool,
        scale: float,
        sample: Tensor | None,
    ) -> None:
        super().__init__()
        kernels = channels * patch**2
        self.whitening = nn.Conv2d(channels, 2 * kernels, patch, patch // 2, padding=patch // 4, bias=False)
        if whiten:
            self.whitening.weight.requires_grad_(False)
            if sample is not None:
                kernel = whitening_kernel(sample, patch)
                self.whitening.weight.copy_(torch.cat([kernel, -kernel]))
        self.blocks = nn.Sequential(
            *(Block(before, width, depth) for before, width in zip((2 * kernels, *widths), widths, strict=False))
        )
        self.head = nn.Linear(widths[-1], num_classes, bias=False)
        self.scale = scale
        for module in self.blocks.modules():
            if dirac and isinstance(module, nn.Conv2d):
                nn.init.dirac_(module.weight[: module.in_channels])

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        maps = self.blocks(F.relu(self.whitening(images)))
        logits: Tensor = self.head(maps.amax((2, 3))) * self.scale
        return logits


class Block(nn.Sequential):
    """Convolutions, the first with pooling; from three on, those after the first are a residual branch."""

    def __init__(self, before: int, width: int, depth: int) -> None:
        layers = [*_convolution(before, width, nn.MaxPool2d(2))]
        for _ in range(depth - 1):
            layers += _convolution(width, width)
        super().__init__(*layers)
        self.residual = depth > 2

    def forward(self, maps: Tensor) -> Tensor:
        """Float32 B×C×H×W to B×width×H/2×W/2."""
        *layers, last = self
        for layer in layers[:4]:
            maps = layer(maps)
        branch = maps
        for layer in layers[4:]:
            branch = layer(branch)
        output: Tensor = last(branch + maps if self.residual else branch)
        return output


def _convolution(before: int, width: int, *pool: nn.Module) -> list[nn.Module]:
    return [
        nn.Conv2d(before, width, 3, padding=1, bias=False),
        *pool,
        nn.BatchNorm2d(width, momentum=0.4),
        nn.ReLU(inplace=True),
    ]


def whitening_kernel(images: Tensor, patch: int) -> Tensor:
    """Filters (C·p², C, p, p) whose responses to the patches p×p of images N×C×H×W have covariance 1."""
    channels, number = images.shape[1], 0
    products = torch.zeros((channels * patch**2,) * 2, dtype=torch.float64, device=images.device)
    for batch in images.split(max(1, MAX_PATCH_VALUES // (4 * images[0].numel()))):  # each pixel is in four patches
        patches = batch.unfold(2, patch, patch // 2).unfold(3, patch, patch // 2).permute(0, 2, 3, 1, 4, 5)
        flat = patches.reshape(-1, channels * patch**2).double()
        products += flat.T @ flat
        number += len(flat)
    variances, vectors = torch.linalg.eigh(products / number)
    filters = vectors.T / (variances + EPSILON).sqrt()[:, None]
    kernel: Tensor = filters.flip(0).view(-1, channels, patch, patch).float()
    return kernel
