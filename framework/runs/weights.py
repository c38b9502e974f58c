"""The weights of a run, as one safetensors file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file

from framework.errors import UserError
from framework.files import replace_atomically

if TYPE_CHECKING:
    import torch


def save_weights(path: Path, model: torch.nn.Module) -> None:
    """Write the state dict."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in model.state_dict().items()}
    replace_atomically(path, lambda temporary: save_file(tensors, temporary))


def load_weights(path: Path, model: torch.nn.Module) -> None:
    """Load what `save_weights` wrote; raises `UserError` if it is missing, damaged or of another network."""
    try:
        model.load_state_dict(read_weights(path))
    except RuntimeError as error:
        raise UserError(f"{path}: the weights are of another network: {error}") from None


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors that `save_weights` wrote; raises `UserError` if the file is missing or damaged."""
    try:
        tensors: dict[str, torch.Tensor] = load_file(path)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except Exception as error:
        raise UserError(f"{path}: damaged, or not a safetensors file ({error})") from None
    return tensors
