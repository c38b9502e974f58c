"""Pretrained weights: timm's own or a local file, adapted by timm to the network at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm.models
import torch
from torch import Tensor, nn

from framework import UserError, unreachable
from framework_timm._packages import in_timm_s_names, packaged_weights

Create = Callable[[dict[str, Any]], nn.Module]
"""Creates the network with further arguments of `timm.create_model`."""

PATIENCE = 3.0
"""Seconds in which the hub must respond; otherwise its client would retry for a minute."""

_SHOWN = 8
"""Lines of torch's list of keys that do not fit which a message shows."""


def load_published(label: str, plain: nn.Module, create: Create) -> nn.Module:
    """The network with the weights that timm names for it, downloaded where the cache lacks them.

    `plain` is the same network without them. If their server cannot be reached, only the cache is used.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    config: dict[str, Any] = plain.pretrained_cfg  # type: ignore[assignment]
    offline, reason = constants.HF_HUB_OFFLINE, None
    try:
        if config.get("hf_hub_id") and not offline:
            reason = unreachable(constants.ENDPOINT, lambda url: get_session().head(url, timeout=PATIENCE))
            constants.HF_HUB_OFFLINE = reason is not None
        elif (url := config.get("url")) and not _downloaded(url):
            reason = unreachable(url)
            if reason:
                raise OSError(reason)
        return create({"pretrained": True})
    except Exception as error:  # each way of downloading has exceptions of its own
        raise UserError(
            f"the pretrained weights of {label} could not be had: {reason or _summary(error)}\n"
            "    Give a local file instead: model.pretrained=FILE.safetensors, or model.pretrained=false"
        ) from error
    finally:
        constants.HF_HUB_OFFLINE = offline


def _downloaded(url: str) -> bool:
    """Whether torch.hub has the file already."""
    return Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2]).exists()


def load_file(path: Path, label: str, plain: nn.Module, channels: int, num_classes: int, create: Create) -> nn.Module:
    """The network with the weights of a local file.

    `plain` is the same network without them. The input convolution is adapted to `channels` and a classifier of another
    number of classes is replaced by a new one; `UserError` names whatever else does not fit.
    """
    return load_state(_read(path), path, label, plain, channels, num_classes, create)


def load_package(label: str, arch: str, plain: nn.Module, channels: int, num_classes: int, create: Create) -> nn.Module:
    """The same with the weights of an installed package."""
    path = packaged_weights(arch, label)
    state = in_timm_s_names(_read(path), list(plain.state_dict()), path)
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
    """The same with weights that were read from `path`."""
    config: dict[str, Any] = plain.pretrained_cfg  # type: ignore[assignment]
    held = _classes_held(state, config, num_classes)
    overlay = {
        "state_dict": state,
        "num_classes": held,
        "input_size": (_channels_held(state, config, plain, channels), *config["input_size"][1:]),
        "label_offset": 0,
        "custom_load": False,
    }
    try:
        # As many classes as the file has, so that timm loads strictly; it lets anything pass where they differ.
        model = create({"pretrained": True, "pretrained_cfg_overlay": overlay, "num_classes": held})
    except UserError:
        raise
    except Exception as error:  # whatever the architecture's own conversion of foreign weights stumbles over
        raise UserError(f"the weights in {path} do not fit {label}: {_summary(error)}") from error
    model.pretrained_cfg.pop("state_dict", None)  # type: ignore[operator, union-attr]
    if held != num_classes:
        model.reset_classifier(num_classes)  # type: ignore[operator]
    return model


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise UserError(f"model.pretrained: there is no file {path}")
    try:
        state: Mapping[str, Tensor] = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # any file may be given, and each reader has exceptions of its own
        raise UserError(f"model.pretrained: {path} holds no weights that can be read: {_summary(error)}") from error
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"model.pretrained: {path} is no table of weights (a state_dict)")
    return state


def _classes_held(state: Mapping[str, Tensor], config: Mapping[str, Any], num_classes: int) -> int:
    weight = state.get(f"{_first(config.get('classifier'))}.weight")
    if weight is not None:
        return len(weight)
    # Names of another code base, which timm translates.
    return int(config.get("num_classes", num_classes))


def _channels_held(state: Mapping[str, Tensor], config: Mapping[str, Any], plain: nn.Module, channels: int) -> int:
    name = _first(config.get("first_conv"))
    weight = state.get(f"{name}.weight")
    if name is None or weight is None or weight.ndim != 4:
        return int(config["input_size"][0])
    layer = plain.get_submodule(name)
    # The layer may see more than `channels`, where pixels of a block are stacked first.
    return int(weight.shape[1] * channels * getattr(layer, "groups", 1) // layer.in_channels)  # type: ignore[operator]


def _first(names: str | tuple[str, ...] | list[str] | None) -> str | None:
    if names is None or isinstance(names, str):
        return names
    return names[0] if names else None


def _summary(error: Exception) -> str:
    lines = [line.strip()[:300] for line in (str(error) or type(error).__name__).splitlines() if line.strip()]
    return "\n    ".join(lines[:_SHOWN] + (["…"] if len(lines) > _SHOWN else []))
