"""Nested state dicts as safetensors files: tensors as tensors, everything else as JSON in the header, no pickles."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from framework.errors import UserError
from framework.files import replace_atomically

PLAIN = (str, int, float, bool, type(None))


def save_state(path: Path, state: Any) -> None:
    """Write dicts, lists, tuples, tensors, dtypes and plain values atomically; raises `UserError` for anything else."""
    structure, tensors = _split(state)
    # Contiguous copies: safetensors rejects tensors that share memory.
    copies = {key: tensor.detach().to("cpu", copy=True).contiguous() for key, tensor in tensors.items()}

    def write(temporary: Path) -> None:
        save_file(copies, temporary, metadata={"structure": structure})

    replace_atomically(path, write)


def load_state(path: Path) -> Any:
    """Read a file of `save_state`, tensors on the CPU. Raises `UserError` for any other file."""
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            structure = json.loads(file.metadata()["structure"])
            # Copies: the file's tensors are not aligned in memory, and sums over them would be rounded differently.
            return _unpacked(structure, {key: file.get_tensor(key).clone() for key in file.keys()})  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except Exception as error:
        raise UserError(f"{path}: damaged, or not a checkpoint of this program ({error})") from None


def require_savable(state: Any) -> None:
    """Raise `UserError` if `save_state` would, without copying or writing anything."""
    _split(state)


def _split(state: Any) -> tuple[str, dict[str, torch.Tensor]]:
    """The structure as JSON, and the tensors by their paths."""
    tensors: dict[str, torch.Tensor] = {}
    return json.dumps(_packed(state, "", tensors)), tensors


def _packed(node: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(node, torch.Tensor):
        if path in tensors:
            raise UserError(f"a checkpoint cannot hold two tensors named '{path}'; rename a key of the state")
        tensors[path] = node
        return {"tensor": path}
    if isinstance(node, torch.dtype):
        return {"dtype": str(node).removeprefix("torch.")}
    if isinstance(node, dict):
        return {
            "dict": [
                [_plain_key(key, path), _packed(value, f"{path}.{key}" if path else str(key), tensors)]
                for key, value in node.items()
            ]
        }
    if isinstance(node, (list, tuple)):
        kind = "tuple" if isinstance(node, tuple) else "list"
        return {kind: [_packed(value, f"{path}.{index}", tensors) for index, value in enumerate(node)]}
    if isinstance(node, PLAIN):
        return node
    raise UserError(
        f"a checkpoint cannot hold '{path}', a {type(node).__name__}: state may contain tensors, dtypes, numbers, "
        "strings, lists and dicts"
    )


def _plain_key(key: Any, path: str) -> Any:
    if not isinstance(key, PLAIN):
        raise UserError(f"a checkpoint cannot hold the key {key!r} of '{path}': keys must be strings or numbers")
    return key


def _unpacked(node: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if not isinstance(node, dict):
        return node
    ((kind, value),) = node.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "dtype":
        return getattr(torch, value)
    if kind == "dict":
        return {key: _unpacked(entry, tensors) for key, entry in value}
    entries = [_unpacked(entry, tensors) for entry in value]
    return tuple(entries) if kind == "tuple" else entries
