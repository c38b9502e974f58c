"""ONNX and `torch.export` (.pt2) files of `framework export`: the run's documents inside them."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from framework.errors import UserError
from framework.runs.documents import unpack

ONNX, PT2 = ".onnx", ".pt2"
"""Suffixes of the files."""
FORMAT = "1"
"""The entry `export` of an ONNX file's metadata."""


def open_onnx(path: Path, threads: int = 0) -> Any:
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


def onnx_documents(session: Any, path: Path) -> dict[str, Any]:
    """The documents in an ONNX file's metadata; raises `UserError` if `framework export` did not write it."""
    texts = dict(session.get_modelmeta().custom_metadata_map)
    if texts.pop("export", None) != FORMAT:
        raise UserError(
            f"{path}: not an export that this version can read: classes and preprocessing are missing. "
            "Write one with `framework export RUN`"
        )
    return unpack(texts, path)


def pt2_documents(path: Path) -> dict[str, Any]:
    """The documents beside the graph of a .pt2 file; raises `UserError` if `framework export` did not write it."""
    documents: dict[str, Any] = {}
    with suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(path) as archive:
        files = [Path(name) for name in archive.namelist() if Path(name).parent.name == "extra"]
        documents = unpack({file.stem: archive.read(file.as_posix()).decode() for file in files}, path)
    if "model" not in documents:
        raise UserError(f"{path}: damaged, or not written by `framework export RUN --format pt2`")
    return documents
