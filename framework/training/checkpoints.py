"""The checkpoints of a run: written atomically; only the latest are kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from framework.training.state_file import load_state, save_state


class Checkpoints:
    """The files `step-00000123.safetensors` of a folder."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self.keep = keep

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write a checkpoint and delete all but the last `keep`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        save_state(self.folder / f"step-{step:08}.safetensors", state)
        for old in self.files()[: -self.keep]:
            old.unlink()

    def latest(self) -> dict[str, Any] | None:
        """The state in the last checkpoint, or None."""
        files = self.files()
        if not files:
            return None
        state: dict[str, Any] = load_state(files[-1])
        return state

    def files(self) -> list[Path]:
        """All checkpoints, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if re.fullmatch(r"step-\d{8}\.safetensors", path.name))


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load the state of an optimizer, each tensor in the memory format of its parameter.

    Fused kernels access both by address: a contiguous state of a channels-last weight would silently be permuted.
    """
    optimizer.load_state_dict(state)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            for key, value in optimizer.state.get(parameter, {}).items():
                if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                    like = torch.empty_like(parameter, dtype=value.dtype)
                    optimizer.state[parameter][key] = like.copy_(value)
