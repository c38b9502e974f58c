"""Pretrained weights: torchvision's own or a local file, adapted to the network at hand."""

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
_SHOWN = 6
"""Keys that do not fit which a message names."""


class UnversionedMNASNet(MNASNet):  # type: ignore[misc]
    """Loads tables of weights that do not say the version of the architecture: it is the present one.

    torchvision refuses them, and none but its own pickled files say it.
    """

    def _load_from_state_dict(self, state_dict: State, prefix: str, local_metadata: dict[str, Any], *rest: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, {"version": 2, **local_metadata}, *rest)


def load_weights(
    model: nn.Module, arch: str, pretrained: Literal[True] | Path, small_images: bool | Literal["half"]
) -> None:
    """Load torchvision's weights (true) or a local file; `UserError` if they cannot be read or do not fit."""
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
    new = _leave_out_head(state, model)
    try:
        # Not strict, so that the layers' own translations of old names come before the check.
        missing, unknown = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:]]
        raise UserError(_misfit(source, arch, lines)) from error
    missing = [name for name in missing if name not in new and not name.startswith(_AUXILIARY)]
    problems = {"it lacks": sorted(missing), "it has and the model has not": sorted(unknown)}
    if any(problems.values()):
        lines = [f"{problem}: {_enumerate(keys)}" for problem, keys in problems.items() if keys]
        raise UserError(_misfit(source, arch, lines))


def _misfit(source: str, arch: str, lines: list[str]) -> str:
    shown = lines[:_SHOWN] + (["…"] if len(lines) > _SHOWN else [])
    return f"the weights in {source} do not fit model '{arch}':\n    " + "\n    ".join(shown)


def _download(arch: str) -> State:
    try:
        weights = torchvision.models.get_model_weights(arch).DEFAULT
        cached = Path(torch.hub.get_dir(), "checkpoints", weights.url.rpartition("/")[2])
        if not cached.exists() and (reason := unreachable(weights.url)):
            raise OSError(reason)
        state: State = weights.get_state_dict(progress=False, check_hash=True, map_location="cpu", weights_only=True)
    except Exception as error:  # each way of downloading has exceptions of its own
        raise UserError(
            f"the pretrained weights of model '{arch}' could not be had: {error or type(error).__name__}\n"
            "    Give a local file instead: model.pretrained=FILE.pth, or model.pretrained=false"
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
    except Exception as error:  # any file may be given, and each reader has exceptions of its own
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(f"model.pretrained: {path} holds no weights that can be read: {reason}") from error
    if isinstance(state, dict):
        state = next((state[key] for key in ("state_dict", "model") if isinstance(state.get(key), dict)), state)
    if not isinstance(state, dict) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(f"model.pretrained: {path} is no table of weights (a state_dict)")
    consume_prefix_in_state_dict_if_present(state, "module.")
    return dict(state)


def _translate(state: State) -> None:
    """Leave out auxiliary classifiers and undo the names of older DenseNets; in place."""
    for name in list(state):
        if name.startswith(_AUXILIARY):
            del state[name]
        elif (renamed := _OLD_DENSENET.sub(r"\1\2", name)) != name:
            state[renamed] = state.pop(name)


def _fold_rescaling(state: State, stem: str) -> None:
    """Published weights of two architectures expect images in [-1, 1] and rescale normalised ones first.

    A network that does so has one more step than the same architecture built without those weights; here its factor
    goes into the first convolution and its offset into the normalisation after it.
    """
    mean, std = torch.tensor(_IMAGENET_MEAN), torch.tensor(_IMAGENET_STD)
    factor, offset = std / 0.5, (mean - 0.5) / 0.5
    running_mean = stem.replace("conv.weight", "bn.running_mean")
    state[running_mean] = state[running_mean] - state[stem].sum((2, 3)) @ offset
    state[stem] = state[stem] * factor.view(1, 3, 1, 1)


def _leave_out_head(state: State, model: nn.Module) -> set[str]:
    """Drop a classifier of another number of classes, or for want of one keep the new; gives the names it has."""
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
    more = f", … ({len(keys) - _SHOWN} more)" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more
