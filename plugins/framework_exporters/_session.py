"""ONNX files under onnxruntime. torch is imported when images are computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework import UserError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "1"
"""The entry `export` of the metadata."""


def open_session(path: Path, threads: int = 0) -> Any:
    """An `onnxruntime.InferenceSession` on the CPU; 0 threads: as many as there are processor cores.

    Raises `UserError` if onnxruntime is missing or cannot load the file.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UserError("ONNX files need onnxruntime: pip install 'framework[export]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors only: it warns about every node that it removes
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UserError(
            f"{path}: damaged, or not an ONNX file that onnxruntime {onnxruntime.__version__} can load: {error}"
        ) from None


def texts(session: Any, path: Path) -> dict[str, str]:
    """The texts in the metadata; raises `UserError` if `framework export` did not write the file."""
    found = dict(session.get_modelmeta().custom_metadata_map)
    if found.pop("export", None) != FORMAT:
        raise UserError(
            f"{path}: not an export that this version can read: classes and preprocessing are missing. "
            "Write one with `framework export RUN`"
        )
    return found


def graph(session: Any) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Images to probabilities and logits."""
    import torch

    def compute(images: Tensor) -> tuple[Tensor, Tensor]:
        outputs = session.run(["probabilities", "logits"], {"images": images.numpy()})
        return torch.from_numpy(outputs[0]), torch.from_numpy(outputs[1])

    return compute
