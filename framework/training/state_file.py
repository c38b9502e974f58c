"""Nested state as one safetensors file: tensors as tensors, everything else as JSON in its header. No pickled code."""

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


def save_state(path: Path, tree: Any) -> None:
    """Write dicts, lists, tuples, tensors, dtypes and plain values; whole or not at all, also where the machine stops.

    Raises `UserError` where there is something else in it.
    """
    skeleton, tensors = _taken_apart(tree)
    # contiguous copies: safetensors refuses tensors that share memory
    copies = {key: tensor.detach().to("cpu", copy=True).contiguous() for key, tensor in tensors.items()}

    def write(temporary: Path) -> None:
        save_file(copies, temporary, metadata={"tree": skeleton})

    replace_atomically(path, write)


def load_state(path: Path) -> Any:
    """Read what `save_state` wrote; tensors come back on the CPU. Raises `UserError` for any other file."""
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            skeleton = json.loads(file.metadata()["tree"])
            return _unpacked(skeleton, {key: file.get_tensor(key) for key in file.keys()})  # noqa: SIM118
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except Exception as error:
        raise UserError(f"{path}: damaged, or not written by this program ({error})") from None


def require_savable(tree: Any) -> None:
    """Raise `UserError` where `save_state` would, without copying or writing anything."""
    _taken_apart(tree)


def _taken_apart(tree: Any) -> tuple[str, dict[str, torch.Tensor]]:
    tensors: dict[str, torch.Tensor] = {}
    return json.dumps(_packed(tree, "", tensors)), tensors


def _packed(node: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(node, torch.Tensor):
        if path in tensors:
            raise UserError(f"no checkpoint can hold two tensors under the name '{path}'; rename a key of the state")
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
        f"no checkpoint can hold '{path}', a {type(node).__name__}: state is of tensors, dtypes, numbers, text, "
        "lists and dicts"
    )


def _plain_key(key: Any, path: str) -> Any:
    if not isinstance(key, PLAIN):
        raise UserError(f"no checkpoint can hold the key {key!r} of '{path}': keys are text or numbers")
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
