"""Pretrained weights, torchvision's or from a local file, adapted to the network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present
from torchvision.models import MNASNet
from torchvision.models.vision_transformer import VisionTransformer, interpolate_embeddings

from framework import UserError, unreachable
from framework_torchvision._stem import adapt_kernels, input_convolution

State = dict[str, Tensor]
_AUXILIARY = ("AuxLogits.", "aux1.", "aux2.")
"""Prefixes of the parameters of auxiliary classifiers."""
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
_RESCALING = ("googlenet", "inception_v3")
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MAX_SHOWN = 6
"""Lines and keys in a message about a mismatch."""


class UnversionedMNASNet(MNASNet):  # type: ignore[misc]
    """Loads a state_dict without the version of the architecture as one of the present version.

    torchvision rejects it; only its own pickled files contain the version.
    """

    def _load_from_state_dict(self, state_dict: State, prefix: str, local_metadata: dict[str, Any], *rest: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, {"version": 2, **local_metadata}, *rest)


def load_weights(
    model: nn.Module, arch: str, pretrained: Literal[True] | Path, small_images: bool | Literal["half"]
) -> None:
    """Load torchvision's weights (true) or a local file; raises `UserError` if they are unreadable or do not fit."""
    stem = f"{input_convolution(model)}.weight"
    if isinstance(pretrained, Path):
        source, state = str(pretrained), _read(pretrained)
    else:
        source, state = "torchvision's file", _download(arch)
        if arch in _RESCALING:
            _fold_rescaling(state, stem)
    _translate(state)
    if stem in state and state[stem].ndim == 4:
        channels = model.get_parameter(stem).shape[1]
        state[stem] = adapt_kernels(state[stem], channels, small_images)
    if isinstance(model, VisionTransformer) and "encoder.pos_embedding" in state:
        interpolate_embeddings(model.image_size, model.patch_size, state)
    new = _drop_head(state, model)
    try:
        # Not strict, because layers translate old names while they load.
        missing, unknown = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        raise UserError(_misfit(source, arch, lines)) from error
    missing = [name for name in missing if name not in new and not name.startswith(_AUXILIARY)]
    problems = {"missing in the file": sorted(missing), "not in the model": sorted(unknown)}
    if any(problems.values()):
        lines = [f"{problem}: {_enumerate(keys)}" for problem, keys in problems.items() if keys]
        raise UserError(_misfit(source, arch, lines))


def _misfit(source: str, arch: str, lines: list[str]) -> str:
    shown = lines[:_MAX_SHOWN] + (["…"] if len(lines) > _MAX_SHOWN else [])
    return f"the weights in {source} do not fit model '{arch}':\n    " + "\n    ".join(shown)


def _download(arch: str) -> State:
    try:
        weights = torchvision.models.get_model_weights(arch).DEFAULT
        cached = Path(torch.hub.get_dir(), "checkpoints", weights.url.rpartition("/")[2])
        if not cached.exists() and (reason := unreachable(weights.url)):
            raise OSError(reason)
        state: State = weights.get_state_dict(progress=False, check_hash=True, map_location="cpu", weights_only=True)
    except Exception as error:  # every client has its own exceptions
        raise UserError(
            f"downloading the pretrained weights of model '{arch}' failed: {error or type(error).__name__}\n"
            "    Use a local file, model.pretrained=FILE.pth, or model.pretrained=false"
        ) from error
    return dict(state)


def _read(path: Path) -> State:
    if not path.is_file():
        raise UserError(f"model.pretrained: there is no file {path}")
    state: Any
    try:
        if path.suffix == ".safetensors":
            state = safetensors.torch.load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # every reader has its own exceptions for other files
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"model.pretrained: {path} contains no readable weights: {reason}") from error
    if isinstance(state, dict):
        state = next((state[key] for key in ("state_dict", "model") if isinstance(state.get(key), dict)), state)
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"model.pretrained: {path} does not contain a state_dict of tensors")
    consume_prefix_in_state_dict_if_present(state, "module.")
    return dict(state)


def _translate(state: State) -> None:
    """Drop auxiliary classifiers and translate names of older DenseNets; in place."""
    for name in list(state):
        if name.startswith(_AUXILIARY):
            del state[name]
        elif (renamed := _OLD_DENSENET.sub(r"\1\2", name)) != name:
            state[renamed] = state.pop(name)


def _fold_rescaling(state: State, stem: str) -> None:
    """Fold a rescaling of the input into the first layers; in place.

    Published weights of two architectures expect images in [-1, 1], and torchvision's networks with these weights
    rescale normalised images first. Here the factor goes into the first convolution and the offset into the
    normalisation after it.
    """
    mean, std = torch.tensor(_IMAGENET_MEAN), torch.tensor(_IMAGENET_STD)
    factor, offset = std / 0.5, (mean - 0.5) / 0.5
    running_mean = stem.replace("conv.weight", "bn.running_mean")
    state[running_mean] = state[running_mean] - state[stem].sum((2, 3)) @ offset
    state[stem] = state[stem] * factor.view(1, 3, 1, 1)


def _drop_head(state: State, model: nn.Module) -> set[str]:
    """Drop a classifier for another number of classes; the names of the parameters that the weights do not set."""
    layers = (name for name, module in model.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d)))
    *_, head = layers
    names = {name for name, _ in model.named_parameters() if name.rpartition(".")[0] == head}
    held = state.get(f"{head}.weight")
    if held is None or len(held) != len(model.get_parameter(f"{head}.weight")):
        for name in names:
            state.pop(name, None)
        return names
    return set()


def _enumerate(keys: list[str]) -> str:
    more = f", … ({len(keys) - _MAX_SHOWN} more)" if len(keys) > _MAX_SHOWN else ""
    return ", ".join(keys[:_MAX_SHOWN]) + more
