"""Checks of what a built transform returns: a fault names the transform and its plugin."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from framework.attribution import attributed, fault
from framework.components import Transform

SORTS = ("matrices", "levels")
"""The methods of geometric and photometric transforms."""


def checked_step(transform: Transform, built: Any) -> Any:
    """The transform with checks of number, type and shape of its results, which read no value.

    Raises `ComponentFault`, immediately if `built` is not a transform.
    """
    if (sort := sort_of(built)) is not None:
        check = _require_matrices if sort == "matrices" else _require_levels
        return SimpleNamespace(**{sort: _checked(transform, f"{sort}()", getattr(built, sort), check)})
    if not callable(built):
        raise fault(transform, f"returned {type(built).__name__} from build(), which cannot be called")
    return _checked(transform, "its call", built, _require_batch)


def sort_of(built: Any) -> str | None:
    """Its method, if it can be combined with its neighbours; None for a plain callable."""
    return next((sort for sort in SORTS if hasattr(built, sort)), None)


def require_values(transform: Transform, returned: Any, sort: str | None, targets: Tensor | None = None) -> None:
    """Check the values of what `checked_step` returned; raises `ComponentFault`. Waits for the device.

    `targets` are those given to the transform, B×K.
    """
    for tensor in returned if isinstance(returned, (tuple, list)) else (returned,):
        if not bool(torch.isfinite(tensor).all()):
            raise fault(transform, "returned values that are not finite")
    if sort == "matrices":
        _require_affine(transform, returned)
    elif sort is None:
        images, returned_targets = returned
        _require_images_and_targets(transform, images, returned_targets, given=targets)


def _checked(
    transform: Transform, doing: str, function: Callable[..., Any], check: Callable[[Transform, Any, Any], None]
) -> Callable[..., Any]:
    call = attributed(transform, doing, function)

    @wraps(call)
    def checked(*arguments: Any, **named: Any) -> Any:
        returned = call(*arguments, **named)
        check(transform, arguments, returned)
        return returned

    return checked


def _require_matrices(transform: Transform, arguments: Any, matrices: Any) -> None:
    _require_tensor(transform, "matrices() returned", matrices, (len(arguments[0]), 3, 3))


def _require_levels(transform: Transform, arguments: Any, levels: Any) -> None:
    if not (isinstance(levels, (tuple, list)) and len(levels) == 2):
        raise fault(transform, f"levels() returned {_form(levels)}; it must return (factors, summands)")
    for name, values in zip(("factors", "summands"), levels, strict=True):
        _require_tensor(transform, f"levels() returned as {name}", values, (len(arguments[0]),))


def _require_batch(transform: Transform, arguments: Any, returned: Any) -> None:
    if not (isinstance(returned, (tuple, list)) and len(returned) == 2):
        raise fault(transform, f"returned {_form(returned)}; it must return (images, targets)")
    for name, before, after in zip(("images", "targets"), arguments[:2], returned, strict=True):
        _require_tensor(transform, f"returned as {name}", after, tuple(before.shape))


def _require_tensor(transform: Transform, returned: str, value: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(value, torch.Tensor) or tuple(value.shape) != shape or not value.is_floating_point():
        raise fault(transform, f"{returned} {_form(value)}; it must be floating point of shape {shape}")


def _require_affine(transform: Transform, matrices: Tensor) -> None:
    """Images are sampled through the first two rows alone."""
    rows = matrices[:, 2].cpu().double()
    distances = (rows - torch.tensor([0.0, 0.0, 1.0]).double()).abs().amax(dim=1)
    if float(distances.max()) > 1e-5:
        row = [round(value, 4) for value in rows[int(distances.argmax())].tolist()]
        raise fault(
            transform,
            f"returned a matrix with the last row {row}; only affine matrices are supported, whose last row is "
            "[0, 0, 1]",
        )


def _require_images_and_targets(
    transform: Transform, images: Tensor, targets: Tensor, given: Tensor | None = None
) -> None:
    low, high = float(images.min()), float(images.max())
    if low < -1e-4 or high > 1 + 1e-4:
        raise fault(transform, f"returned images with values from {low:.4g} to {high:.4g}; they must stay in [0, 1]")
    (low, high), (least, most) = _row_sums(targets), (1.0, 1.0) if given is None else _row_sums(given)
    if low < least - 1e-3 or high > most + 1e-3:
        expected = f"{least:.4g}" if most - least < 1e-3 else f"{least:.4g} to {most:.4g}, as those given"
        raise fault(
            transform, f"returned targets whose rows sum to {low:.4g} to {high:.4g}; they must sum to {expected}"
        )
    if float(targets.min()) < -1e-4 or float(targets.max()) > 1 + 1e-4:
        raise fault(transform, "returned targets outside of [0, 1]")


def _row_sums(targets: Tensor) -> tuple[float, float]:
    sums = targets.sum(dim=1)
    return float(sums.min()), float(sums.max())


def _form(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return "None" if value is None else f"an object of type {type(value).__name__}"
