"""Exports for OpenVINO, Intel's inference runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from framework import ExportedFile, Exporter, UserError, hookimpl
from framework.components import Component

if TYPE_CHECKING:
    from framework import Export


class OpenVINO(Exporter):
    """OpenVINO IR: the graph in FILE.xml, the weights in FILE.bin."""

    name = "openvino"
    suffix: ClassVar[str] = ".xml"
    companions: ClassVar[tuple[str, ...]] = (".bin",)
    weights: Literal["float32", "float16"] = "float32"
    """Type of the stored weights. `float16` halves the file and rounds the weights, which changes probabilities."""

    def require(self) -> None:
        """Raise `UserError` if OpenVINO is not installed."""
        if importlib.util.find_spec("openvino") is None:
            raise UserError("exporting to OpenVINO needs openvino: pip install 'framework[openvino]'")

    def write(self, export: Export, path: Path) -> None:
        """Raises `RunFailed` if the network cannot be traced or translated."""
        from framework_openvino._model import write

        write(export, path, half=self.weights == "float16")

    def open(self, path: Path) -> ExportedFile:
        """The file under OpenVINO, on the CPU in float32."""
        from framework_openvino._model import graph, read_model, texts

        model = read_model(path)
        return ExportedFile(texts(model), lambda: graph(model))


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [OpenVINO]
