"""The classifier as a `torch.export` file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from framework import Export, UserError

if TYPE_CHECKING:
    from torch import Tensor

PLAIN = ("recipe", "card", "decoding", "framework")
"""Texts that are not JSON."""


def write(export: Export, path: Path) -> None:
    """Write the file, the texts as extra files in it."""
    import torch

    files = {f"{name}.{'txt' if name in PLAIN else 'json'}": text for name, text in export.texts.items()}
    for node in export.program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths and lines of code on this machine
    buffer = io.BytesIO()
    torch.export.save(export.program, buffer, extra_files=files)
    path.write_bytes(buffer.getvalue())


def texts(path: Path) -> dict[str, str]:
    """The texts in the file; empty if it is damaged or has none."""
    with suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(path) as archive:
        files = [Path(name) for name in archive.namelist() if Path(name).parent.name == "extra"]
        return {file.stem: archive.read(file.as_posix()).decode() for file in files}
    return {}


def load(path: Path) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Images to probabilities and logits; raises `UserError` if this version of PyTorch cannot load the file."""
    import torch

    try:
        module = torch.export.load(str(path)).module()
    except Exception as error:
        raise UserError(f"{path}: torch {torch.__version__} cannot load it: {error}") from None

    @torch.inference_mode()
    def compute(images: Tensor) -> tuple[Tensor, Tensor]:
        outputs: tuple[Tensor, Tensor] = module(images)
        return outputs

    return compute
