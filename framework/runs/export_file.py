"""Files of `framework export`, opened by the exporter with their suffix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.attribution import attributed, attributed_to, fault
from framework.components import ExportedFile, Exporter, Graph
from framework.errors import UserError
from framework.runs.documents import unpack

if TYPE_CHECKING:
    from torch import Tensor

    from framework.registry import Registry


def exporters(registry: Registry) -> list[type[Exporter]]:
    """All exporters."""
    return [registry.find(Exporter, name) for name in registry.names(Exporter)]


def exporter_of(path: Path, registry: Registry) -> type[Exporter] | None:
    """The exporter with the suffix of the path; None if there is none; raises `UserError` if there are several."""
    found = [exporter for exporter in exporters(registry) if exporter.suffix == path.suffix]
    if len(found) > 1:
        names = " and ".join(f"'{exporter.name}'" for exporter in found)
        raise UserError(f"{path}: {names} are exporters with the suffix {path.suffix}; uninstall the plugin of one")
    return found[0] if found else None


def open_export(path: Path, exporter: Exporter) -> tuple[dict[str, Any], ExportedFile]:
    """The documents in the file, and the file; raises `UserError` if it is damaged or not an export of a run."""
    with attributed_to(exporter, "open()"):
        opened = exporter.open(path)
    if not isinstance(opened, ExportedFile):
        raise fault(exporter, f"returned {type(opened).__name__} from open()")
    documents = unpack(opened.texts, path)
    if not {"model", "recipe", "card"} <= documents.keys():
        raise UserError(f"{path}: damaged, or not written by `framework export RUN --format {exporter.name}`")
    return documents, ExportedFile(opened.texts, lambda: _graph(exporter, opened))


def _graph(exporter: Exporter, opened: ExportedFile) -> Graph:
    with attributed_to(exporter, "load()"):
        graph = attributed(exporter, "its graph", opened.load())

    def checked(images: Tensor) -> tuple[Tensor, Tensor]:
        outputs = graph(images)
        if not (isinstance(outputs, (tuple, list)) and len(outputs) == 2 and all(map(_is_matrix, outputs))):
            raise fault(exporter, "returned something else than (probabilities B×K, logits B×K) from its graph")
        return outputs[0], outputs[1]

    return checked


def _is_matrix(output: object) -> bool:
    return getattr(output, "ndim", None) == 2
