"""Activation maps: the positions of an image that contribute to a class, by Grad-CAM, for any network.

A map is the gradient of a class's logit at a feature map times the features, summed over the channels, where positive.
Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", 2017, average the
gradient over the positions first. It is not averaged here, as by Draelos and Carin ("Use HiResCAM instead of Grad-CAM
for faithful explanations of convolutional neural networks", 2020): both are the same if the network averages the map
afterwards; otherwise only this one shows what each position contributes to the logit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from framework.data.preprocess import rgb_to_gray
from framework.device import tf32
from framework.errors import UserError
from framework.inference.feature_maps import FeatureMap, feature_maps, private_copy, recorded_pass
from framework.inference.predictor import Predictor

COLOURS = ((36, 40, 120), (110, 52, 150), (190, 70, 120), (236, 122, 60), (250, 188, 50), (255, 246, 150))
"""From 0 to 1, blue to yellow, of increasing lightness: readable with any colour vision and in print."""
MIN_ACTIVATION = -0.5
"""Activation functions such as SiLU stay above this: the lowest, hard swish, reaches -0.375."""
AT_ONCE = 4
"""Images: all outputs of modules are kept for the gradient, 90 MB an image for a ResNet-50 at 224×224 pixels."""
OPACITY = 0.6
"""Of the colour, at 1."""


def activation_maps(predictor: Predictor, images: Tensor, classes: Tensor | None = None) -> Tensor:
    """The contribution of each position to a class: float32 B×H×W in [0, 1], on the CPU.

    `images` are uint8 B×C×H×W as `Predictor.read` returns them, `classes` int64 B, by default the predicted classes.
    Each map is scaled by its maximum; it is zero if no position contributes. Its resolution is that of the last feature
    map that the logits use position by position, enlarged bilinearly. One view of each image is used. The network is
    not changed.

    Raises `UserError` if the engine has no gradients, or the network no feature map.
    """
    model = getattr(predictor.engine, "model", None)
    if model is None:
        raise UserError(
            f"{predictor.trained.label} has no gradients, since it is an export; activation maps need a run or a bundle"
        )
    if classes is None:
        parts = [predictor.probabilities(part).argmax(1) for part in images.split(predictor.batch_size)]
        classes = torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64)
    evaluator = predictor.engine.evaluator  # type: ignore[attr-defined]
    network = private_copy(model)
    maps = [images.new_zeros((0, *images.shape[2:]), dtype=torch.float32)]
    for part, of_part in zip(images.split(AT_ONCE), classes.split(AT_ONCE), strict=True):
        maps.append(
            grad_cam(network, evaluator.inputs(part), of_part.to(evaluator.device), predictor.trained.label).cpu()
        )
    return torch.cat(maps)


def grad_cam(network: nn.Module, inputs: Tensor, classes: Tensor, label: str = "the network") -> Tensor:
    """The maps of normalised images B×C×H×W for one class each, as `activation_maps` returns them, on their device.

    Raises `UserError` if the network has no feature map.
    """
    size = inputs.shape[2:]
    with torch.enable_grad(), tf32(False):
        inputs = inputs.detach().requires_grad_()
        logits, outputs = recorded_pass(network, inputs)
        score = logits.gather(1, classes[:, None]).sum()
        found = feature_maps(network, inputs, logits, outputs)
        if not found:
            raise UserError(f"{label} has no feature map of more than one position; activation maps need one")
        features, gradient = _last_used(found, score)
    coarse = (gradient * _centred(features)).sum(1, keepdim=True).relu()
    maps = F.interpolate(coarse, size, mode="bilinear", align_corners=False)[:, 0]
    most = maps.amax((1, 2), keepdim=True)
    return torch.where(most > 0, maps / most, 0)


def _last_used(found: list[FeatureMap], score: Tensor) -> tuple[Tensor, Tensor]:
    """The last feature map whose positions the score depends on, and its gradient, both B×C×h×w.

    After the last block a vision transformer may use nothing but the class token.
    """
    for one in found:
        (gradient,) = torch.autograd.grad(score, one.features, retain_graph=True)
        gradient = one.layout.maps(gradient).float()
        if gradient.any():
            break
    return one.layout.maps(one.features.detach()).float(), gradient


def _centred(features: Tensor) -> Tensor:
    """Features B×C×h×w with a meaningful zero.

    The output of an activation function has one. Other features, such as a transformer's tokens, may have any offset:
    their mean over the positions is subtracted.
    """
    bounded = features.amin((1, 2, 3), keepdim=True) > MIN_ACTIVATION
    return torch.where(bounded, features, features - features.mean((2, 3), keepdim=True))


def overlay(image: Tensor, activation: Tensor) -> Tensor:
    """A map H×W in [0, 1] in colours over its image, uint8 C×H×W, in gray: uint8 3×H×W."""
    values = image.float()
    gray = rgb_to_gray(values)[0] if len(image) == 3 else values[0]
    opacity = OPACITY * activation
    mixed = (1 - opacity) * gray + opacity * coloured(activation)
    return mixed.round().clamp(0, 255).to(torch.uint8)


def coloured(activation: Tensor) -> Tensor:
    """The colours of a map H×W in [0, 1]: float32 3×H×W in [0, 255]."""
    table = torch.tensor(COLOURS, dtype=torch.float32, device=activation.device)
    place = activation.clamp(0, 1) * (len(table) - 1)
    before = place.floor().long().clamp(max=len(table) - 2)
    fraction = (place - before)[..., None]
    return torch.lerp(table[before], table[before + 1], fraction).permute(2, 0, 1)
