"""Pretrained weights: timm's or from a local file; timm adapts them to the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm.models
import torch
from torch import Tensor, nn

from framework import UserError, unreachable
from framework_timm._packages import packaged_weights, rename_by_order

Create = Callable[[dict[str, Any]], nn.Module]
"""Creates the network with further arguments of `timm.create_model`."""

HUB_TIMEOUT = 3.0
"""Seconds in which the hub must respond; otherwise its client would retry for a minute."""

_MAX_SHOWN = 8
"""Lines of another library's error in a message."""


def load_published(label: str, plain: nn.Module, create: Create) -> nn.Module:
    """The network with the weights that timm provides, downloaded if they are not cached.

    `plain` is the same network without pretrained weights. If the server cannot be reached, only the cache is used.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    config: dict[str, Any] = plain.pretrained_cfg  # type: ignore[assignment]
    offline, reason = constants.HF_HUB_OFFLINE, None
    try:
        if config.get("hf_hub_id") and not offline:
            reason = unreachable(constants.ENDPOINT, lambda url: get_session().head(url, timeout=HUB_TIMEOUT))
            constants.HF_HUB_OFFLINE = reason is not None
        elif (url := config.get("url")) and not _downloaded(url):
            reason = unreachable(url)
            if reason:
                raise OSError(reason)
        return create({"pretrained": True})
    except Exception as error:  # every client has its own exceptions
        raise UserError(
            f"downloading the pretrained weights of {label} failed: {reason or _summary(error)}\n"
            "    Use a local file, model.pretrained=FILE.safetensors, or model.pretrained=false"
        ) from error
    finally:
        constants.HF_HUB_OFFLINE = offline


def _downloaded(url: str) -> bool:
    """Whether the file is in the cache of torch.hub."""
    return Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2]).exists()


def load_file(path: Path, label: str, plain: nn.Module, channels: int, num_classes: int, create: Create) -> nn.Module:
    """The network with the weights of a local file.

    `plain` is the same network without pretrained weights. The input convolution is adapted to `channels`; a classifier
    for another number of classes is re-initialised. Raises `UserError` with the names of all other mismatches.
    """
    return load_state(_read(path), path, label, plain, channels, num_classes, create)


def load_package(label: str, arch: str, plain: nn.Module, channels: int, num_classes: int, create: Create) -> nn.Module:
    """The network with the weights of an installed package."""
    path = packaged_weights(arch, label)
    state = rename_by_order(_read(path), list(plain.state_dict()), path)
    return load_state(state, path, label, plain, channels, num_classes, create)


def load_state(
    state: Mapping[str, Tensor],
    path: Path,
    label: str,
    plain: nn.Module,
    channels: int,
    num_classes: int,
    create: Create,
) -> nn.Module:
    """The network with weights from `path`, adapted as in `load_file`."""
    config: dict[str, Any] = plain.pretrained_cfg  # type: ignore[assignment]
    num_held = _num_classes(state, config, num_classes)
    overlay = {
        "state_dict": state,
        "num_classes": num_held,
        "input_size": (_num_channels(state, config, plain, channels), *config["input_size"][1:]),
        "label_offset": 0,
        "custom_load": False,
    }
    try:
        # With the number of classes of the file, timm loads strictly; otherwise it ignores all mismatches.
        model = create({"pretrained": True, "pretrained_cfg_overlay": overlay, "num_classes": num_held})
    except UserError:
        raise
    except Exception as error:  # each architecture's conversion of weights has its own exceptions
        raise UserError(f"the weights in {path} do not fit {label}: {_summary(error)}") from error
    model.pretrained_cfg.pop("state_dict", None)  # type: ignore[operator, union-attr]
    if num_held != num_classes:
        model.reset_classifier(num_classes)  # type: ignore[operator]
    return model


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise UserError(f"model.pretrained: there is no file {path}")
    try:
        state: Mapping[str, Tensor] = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # every reader has its own exceptions for other files
        raise UserError(f"model.pretrained: {path} contains no readable weights: {_summary(error)}") from error
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"model.pretrained: {path} does not contain a state_dict of tensors")
    return state


def _num_classes(state: Mapping[str, Tensor], config: Mapping[str, Any], num_classes: int) -> int:
    """Of the weights."""
    weight = state.get(f"{_first(config.get('classifier'))}.weight")
    if weight is not None:
        return len(weight)
    # The names are of another code base; timm translates them.
    return int(config.get("num_classes", num_classes))


def _num_channels(state: Mapping[str, Tensor], config: Mapping[str, Any], plain: nn.Module, channels: int) -> int:
    """Of the weights."""
    name = _first(config.get("first_conv"))
    weight = state.get(f"{name}.weight")
    if name is None or weight is None or weight.ndim != 4:
        return int(config["input_size"][0])
    layer = plain.get_submodule(name)
    # The layer may have more input channels than the image if pixels of a block are stacked first.
    return int(weight.shape[1] * channels * getattr(layer, "groups", 1) // layer.in_channels)  # type: ignore[operator]


def _first(names: str | tuple[str, ...] | list[str] | None) -> str | None:
    if names is None or isinstance(names, str):
        return names
    return names[0] if names else None


def _summary(error: Exception) -> str:
    lines = [line.strip()[:300] for line in (str(error) or type(error).__name__).splitlines() if line.strip()]
    return "\n    ".join(lines[:_MAX_SHOWN] + (["…"] if len(lines) > _MAX_SHOWN else []))
