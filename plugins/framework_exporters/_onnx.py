"""The classifier as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework import Export, RunFailed
from framework_exporters._session import FORMAT

if TYPE_CHECKING:
    import torch

LARGEST = 2**31 - 2**24
"""Bytes of weights: a protocol buffer is limited to 2 GiB, less the graph and the documents."""


def write(export: Export, path: Path, opset: int) -> None:
    """Write the file; raises `RunFailed` if the network cannot be translated or is too large."""
    import onnx_ir

    model = _translated(export.program, export.example, opset)
    for node in model.graph:
        node.metadata_props.clear()  # paths and lines of code on this machine
    model.graph.inputs[0].shape = onnx_ir.Shape(["batch", 3, "height", "width"])
    for output in model.graph.outputs:
        output.shape = onnx_ir.Shape(["batch", len(export.classes)])
    model.metadata_props.clear()
    model.metadata_props.update({"export": FORMAT, **export.texts})
    weights = [value.const_value for value in model.graph.initializers.values()]
    if sum(tensor.nbytes for tensor in weights if tensor is not None) > LARGEST:
        raise RunFailed("the network is larger than 2 GB, the limit of an ONNX file; use --format pt2")
    path.write_bytes(onnx_ir.to_proto(model).SerializeToString())


def _translated(program: torch.export.ExportedProgram, example: torch.Tensor, opset: int) -> Any:
    """The classifier as a model of `onnx_ir`."""
    import torch

    try:
        translated = torch.onnx.export(
            program, (example,), dynamo=True, opset_version=opset, verbose=False,
            input_names=["images"], output_names=["probabilities", "logits"],
        )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        raise RunFailed(
            f"PyTorch cannot translate this network to ONNX: {_reason(error)}\n"
            "    --format pt2 needs no translation; --format bundle is the weights alone"
        ) from None
    if translated is None:
        raise RunFailed("torch.onnx.export returned no program")
    return translated.model


def _reason(error: BaseException) -> str:
    """The first line of the first cause: the message of the last one only says how to report errors to PyTorch."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
