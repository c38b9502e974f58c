"""Activation maps as pictures for a browser."""

from __future__ import annotations

import base64
import io

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from framework.inference.activation import overlay

MIN_SIDE = 224
"""Pixels of the shorter side; smaller images are enlarged, so that the map is smooth."""


def activation_picture(image: Tensor, activation: Tensor) -> str:
    """A map float32 H×W in [0, 1] over its image uint8 C×H×W, as a PNG in a data URI."""
    height, width = activation.shape
    times = max(1, -(-MIN_SIDE // min(height, width)))
    size = (height * times, width * times)
    enlarged = F.interpolate(image[None].float(), size, mode="bicubic", align_corners=False)[0]
    heat = F.interpolate(activation[None, None], size, mode="bicubic", align_corners=False)[0, 0]
    pixels = overlay(enlarged.round().clamp(0, 255).to(torch.uint8), heat.clamp(0, 1))
    file = io.BytesIO()
    Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
