"""Where in an image a network sees a class: Grad-CAM for any network.

A map is a class's logit's gradient at a feature map times the features, summed over the channels, where positive.
Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", 2017, average the
gradient over the positions first. It is left as it is here, as Draelos and Carin do ("Use HiResCAM instead of Grad-CAM
for faithful explanations of convolutional neural networks", 2020): where the network averages the map afterwards, that
is the same, and where it does not, a map shows only what the logit really takes from each position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from framework.data.preprocess import rgb_to_gray
from framework.errors import UserError
from framework.inference.feature_maps import FeatureMap, feature_maps, noted_pass, private_copy

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.inference.predictor import Predictor

COLOURS = ((36, 40, 120), (110, 52, 150), (190, 70, 120), (236, 122, 60), (250, 188, 50), (255, 246, 150))
"""From nothing to all, lighter step by step: blue to yellow, so that it reads with any colour vision and in print."""
LEAST_ACTIVATION = -0.5
"""Activation functions with a zero do not go below: hard swish, the lowest in use, reaches -0.375."""
AT_ONCE = 4
"""Images: what every module gives is kept for the gradient, for a ResNet-50 at 224×224 pixels 90 MB an image."""
OPACITY = 0.6
"""Of the colour where a map is 1."""


def activation_maps(predictor: Predictor, images: Tensor, classes: Tensor | None = None) -> Tensor:
    """What speaks for a class, position by position: float32 B×H×W in [0, 1], on the CPU.

    `images` are uint8 B×C×H×W as `Predictor.read` gives them, `classes` int64 B; left out: the predicted ones. Each map
    is scaled by its own maximum, and zero everywhere where nothing speaks for the class. It is as coarse as the last
    feature map of the network that is read position by position, enlarged bilinearly. One view of each image is looked
    at. The network is left as it was.

    Raises `UserError` where the engine has no gradients, or the network no feature map.
    """
    model = getattr(predictor.engine, "model", None)
    if model is None:
        raise UserError(
            f"{predictor.trained.label} is run by {type(predictor.engine).__name__}, which has no gradients; "
            "activation maps need the network in PyTorch"
        )
    if classes is None:
        parts = [predictor.probabilities(part).argmax(1) for part in images.split(predictor.batch_size)]
        classes = torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64)
    evaluator = predictor.engine.evaluator  # type: ignore[attr-defined]
    network = private_copy(model)
    maps = [images.new_zeros((0, *images.shape[2:]), dtype=torch.float32)]
    for part, wanted in zip(images.split(AT_ONCE), classes.split(AT_ONCE), strict=True):
        maps.append(
            grad_cam(network, evaluator.inputs(part), wanted.to(evaluator.device), predictor.trained.label).cpu()
        )
    return torch.cat(maps)


def grad_cam(network: nn.Module, inputs: Tensor, classes: Tensor, label: str = "the network") -> Tensor:
    """The maps of normalised images B×C×H×W for one class each, as `activation_maps` returns them, on their device.

    Raises `UserError` where the network has no feature map.
    """
    size = inputs.shape[2:]
    with torch.enable_grad():
        inputs = inputs.detach().requires_grad_()
        logits, given = noted_pass(network, inputs)
        score = logits.gather(1, classes[:, None]).sum()
        found = feature_maps(network, inputs, logits, given)
        if not found:
            raise UserError(f"{label} has no feature map of more than one position; activation maps need one")
        features, gradient = _last_read(found, score)
    coarse = (gradient * _from_zero(features)).sum(1, keepdim=True).relu()
    maps = F.interpolate(coarse, size, mode="bilinear", align_corners=False)[:, 0]
    most = maps.amax((1, 2), keepdim=True)
    return torch.where(most > 0, maps / most, 0)


def _last_read(found: list[FeatureMap], score: Tensor) -> tuple[Tensor, Tensor]:
    """The last map of whose positions the score depends, and its gradient, both B×C×h×w.

    After its last block a vision transformer may read nothing but the class token.
    """
    for one in found:
        (gradient,) = torch.autograd.grad(score, one.features, retain_graph=True)
        gradient = one.layout.maps(gradient).float()
        if gradient.any():
            break
    return one.layout.maps(one.features.detach()).float(), gradient


def _from_zero(features: Tensor) -> Tensor:
    """Features B×C×h×w, zero where they say nothing.

    An activation function makes that zero (SiLU and its like go a little below). Without one, as in the tokens of a
    transformer, a feature may be anything everywhere: what it says of a position is how it differs from its mean there.
    """
    bounded = features.amin((1, 2, 3), keepdim=True) > LEAST_ACTIVATION
    return torch.where(bounded, features, features - features.mean((2, 3), keepdim=True))


def overlay(image: Tensor, activation: Tensor) -> Tensor:
    """An image, uint8 C×H×W, in grey under its map H×W in [0, 1] in colours: uint8 3×H×W."""
    values = image.float()
    grey = rgb_to_gray(values)[0] if len(image) == 3 else values[0]
    opacity = OPACITY * activation
    mixed = (1 - opacity) * grey + opacity * coloured(activation)
    return mixed.round().clamp(0, 255).to(torch.uint8)


def coloured(activation: Tensor) -> Tensor:
    """The colours of a map H×W in [0, 1]: float32 3×H×W in [0, 255]."""
    table = torch.tensor(COLOURS, dtype=torch.float32, device=activation.device)
    place = activation.clamp(0, 1) * (len(table) - 1)
    before = place.floor().long().clamp(max=len(table) - 2)
    share = (place - before)[..., None]
    return torch.lerp(table[before], table[before + 1], share).permute(2, 0, 1)
