"""Building a recipe's network, and checking it before training."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from framework.attribution import ComponentFault, attributed_to, fault, label_of, origin_of
from framework.components import Model, build, wants
from framework.data.preprocess import Preprocessor
from framework.data.seeding import seed_at
from framework.data.stores.store import Store
from framework.errors import UserError
from framework.evaluation.evaluate import described, require_logits
from framework.recipe.sections import Recipe
from framework.runs.trained import Trained
from framework.training.freezing import Freezing
from framework.training.init_from import load_initial

FAULTS = (RuntimeError, ValueError, AssertionError, IndexError, TypeError, AttributeError, ZeroDivisionError, KeyError)
"""Exceptions of networks for unsuitable image sizes or options, as causes of a `ComponentFault`."""
SIDES = (28, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128, 144, 160, 192, 224, 240, 256, 288, 299, 320, 384, 448, 512)
"""Common sides of square images."""
SAMPLE = 256
"""Training images offered to a network when it is built."""


def network_to_train(
    recipe: Recipe, images: Store, preprocess: Preprocessor, initial: Trained | None, device: torch.device
) -> nn.Module:
    """The network on the device, with the weights of `initial` or else random ones from the seed.

    Raises `UserError` if it cannot process the images, or if `initial` is another network.
    """
    torch.manual_seed(seed_at(recipe.seed, "initial weights"))
    sampled = wants(recipe.model, "sample") and initial is None
    sample = preprocess.network_input(images.spread(SAMPLE)) if sampled else None
    size = (preprocess.height, preprocess.width)
    model = build_network(recipe.model, len(images.classes), preprocess.channels, size, sample)
    if initial:
        load_initial(model, recipe.model, initial, images.classes, preprocess)
    model = model.to(device)
    return model.to(memory_format=torch.channels_last) if recipe.train.channels_last else model


def build_network(
    component: Model, num_classes: int, channels: int, image_size: tuple[int, int], sample: Tensor | None = None
) -> nn.Module:
    """The network on the CPU, checked on images of this size.

    Raises `UserError` if the check fails; the message has image sizes that work, if there are any.
    """

    def attempt(size: tuple[int, int]) -> nn.Module:
        model: nn.Module = build(component, num_classes=num_classes, channels=channels, image_size=size, sample=sample)
        if not isinstance(model, torch.nn.Module):
            raise fault(component, f"returned {described(model)} from build()")
        if next(model.parameters(), None) is None:
            raise fault(component, "has no parameters to train")
        try_network(model, component, num_classes, channels, size)
        return model

    try:
        return attempt(image_size)
    except ComponentFault as error:
        if not isinstance(error.__cause__, FAULTS):
            raise
        images = f"{channels}×{image_size[0]}×{image_size[1]} images (channels×height×width)"
        reason = str(error.__cause__) or "its layers do not match"
        sides = [f"{side}×{side}" for side in nearest_sizes(image_size, attempt)]
        if not sides:
            raise UserError(
                f"{label_of(component)} cannot be built or run with these options: {reason}\n"
                f"    It was tried on {images} and on all common sizes{origin_of(component)}"
            ) from error
        raise UserError(
            f"{label_of(component)} cannot process {images}: {reason}\n"
            f"    preprocess.size: the nearest sizes that work are {' and '.join(sides)}{origin_of(component)}"
        ) from error


def nearest_sizes(size: tuple[int, int], attempt: Callable[[tuple[int, int]], nn.Module]) -> list[int]:
    """The sides of the nearest smaller and the nearest larger square images for which `attempt` succeeds, if any.

    `attempt` builds a network for a size and runs it; it raises `UserError` if that fails. It is called on PyTorch's
    meta device, which neither allocates nor computes.
    """
    side = max(size)
    smaller = [known for known in reversed(SIDES) if known < side]
    larger = [known for known in SIDES if known > side or (known == side and size[0] != size[1])]
    found = [_first(sides, attempt) for sides in (smaller, larger)]
    return [side for side in found if side is not None]


def _first(sides: Iterable[int], attempt: Callable[[tuple[int, int]], nn.Module]) -> int | None:
    for side in sides:
        try:
            with torch.device("meta"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                attempt((side, side))
        except UserError:
            continue
        return side
    return None


def try_network(model: nn.Module, component: Model, num_classes: int, channels: int, size: tuple[int, int]) -> None:
    """Run the network on two images; raises `ComponentFault` if it fails or does not return logits.

    A network with auxiliary heads, which need larger images, is also run in training mode.
    """
    images = torch.zeros((2, channels, *size), device=next(model.parameters()).device)
    # Not inference_mode: a network may keep tensors, which could not be used in training.
    with torch.no_grad(), attributed_to(component, "evaluation mode"):
        logits = model.eval()(images)
    require_logits(component, logits, (2, num_classes), "in evaluation mode")
    if component.auxiliary_weight() is not None:
        with torch.no_grad(), attributed_to(component, "training mode"):
            copy.deepcopy(model).train()(images)


def try_single_images(model: nn.Module, component: Model, channels: int, size: tuple[int, int]) -> None:
    """Raise `UserError` if a copy of the network cannot be trained on batches of one image.

    Batch normalisation of a 1×1 feature map would have a single value per channel.
    """
    copied = copy.deepcopy(model)
    Freezing(copied).train_mode(0)
    image = torch.zeros((1, channels, *size), device=next(copied.parameters()).device)
    try:
        with torch.no_grad():
            copied(image)
    except FAULTS as error:
        raise UserError(
            f"{label_of(component)} cannot be trained on batches of one {channels}×{size[0]}×{size[1]} image: "
            f"{error}\n    train.batch_size: set 2 or more, and use at least as many training images"
        ) from error


def multiply_adds(model: nn.Module, channels: int, size: tuple[int, int]) -> int:
    """Multiply-adds of one image in convolutions, matrix products and attention; sets evaluation mode."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    image = torch.zeros((1, channels, *size), device=next(model.parameters()).device)
    plain_attention = sdpa_kernel(SDPBackend.MATH)  # fused CPU kernels are not counted
    with torch.no_grad(), plain_attention, FlopCounterMode(display=False) as counter:
        model.eval()(image)
    flops: int = counter.get_total_flops()
    return flops // 2
