"""Exports for onnxruntime, for PyTorch without the model's code, and as a bundle."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from framework import ExportedFile, Exporter, UserError, hookimpl
from framework.components import Component

if TYPE_CHECKING:
    from framework import Export


class Onnx(Exporter):
    """An ONNX file, for onnxruntime and other runtimes."""

    name = "onnx"
    suffix: ClassVar[str] = ".onnx"
    opset: int = Field(18, ge=18, le=23)
    """Version of the ONNX operator set. The default is the oldest one with all that is needed, for most runtimes."""

    def require(self) -> None:
        """Raise `UserError` if a package is missing."""
        packages = ("onnx", "onnxruntime", "onnxscript")
        if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
            raise UserError(f"exporting to ONNX needs {', '.join(missing)}: pip install 'framework[export]'")

    def write(self, export: Export, path: Path) -> None:
        """Raises `RunFailed` if the network cannot be traced or translated, or is too large."""
        from framework_exporters._onnx import write

        write(export, path, self.opset)

    def open(self, path: Path) -> ExportedFile:
        """The file under onnxruntime, on the CPU."""
        from framework_exporters._session import graph, open_session, texts

        session = open_session(path)
        return ExportedFile(texts(session, path), lambda: graph(session))


class Pt2(Exporter):
    """A `torch.export` file, for PyTorch without the code of the model."""

    name = "pt2"
    aliases = ("torch_export",)
    suffix: ClassVar[str] = ".pt2"

    def write(self, export: Export, path: Path) -> None:
        """Raises `RunFailed` if the network cannot be traced."""
        from framework_exporters._pt2 import write

        write(export, path)

    def open(self, path: Path) -> ExportedFile:
        """The file under PyTorch, on the CPU."""
        from framework_exporters._pt2 import load, texts

        return ExportedFile(texts(path), lambda: load(path))


class Bundle(Exporter):
    """A bundle: weights and documents in one safetensors file, which needs the plugin of the model."""

    name = "bundle"
    aliases = ("safetensors",)
    suffix: ClassVar[str] = ".safetensors"

    def write(self, export: Export, path: Path) -> None:
        """Write the weights and the documents; the network is not traced."""
        export.write_bundle(path)


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [Onnx, Pt2, Bundle]
