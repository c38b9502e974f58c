"""Parity of a network with its export."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from framework.export.formats import quiet
from framework.testing.check import CheckFailed, CheckSkipped

TOLERANCE = 1e-3
OPSET = 18
PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def export(model: nn.Module, example: Tensor, others: Tensor) -> None:
    """Trace the network with `example`, and compare its logits with the network's for both batches.

    Without the packages of the extra `export` the trace by torch.export is compared, then `CheckSkipped` is raised.
    """
    batches = [example, others, others[:1]]
    with torch.no_grad():
        expected = [model(images) for images in batches]
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        with quiet():
            traced = _traced(model, example).module()
        with torch.no_grad():
            _compare([traced(images) for images in batches], expected, "torch.export")
        raise CheckSkipped(f"traced by torch.export; ONNX needs {', '.join(missing)}: pip install 'framework[export]'")
    with quiet():
        data = _onnx(model, example)
    _compare(_run(data, batches), expected, "ONNX")


def _traced(model: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    try:
        return torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
    except Exception as error:
        raise CheckFailed(f"torch.export cannot trace it: {type(error).__name__}: {_first_line(error)}") from error


def _onnx(model: nn.Module, example: Tensor) -> bytes:
    program = _traced(model, example)
    try:
        with torch.no_grad():
            converted: Any = torch.onnx.export(program, dynamo=True, opset_version=OPSET, optimize=False, verbose=False)
    except Exception as error:
        raise CheckFailed(f"cannot be translated to ONNX: {_first_line(error)}") from error
    data: bytes = converted.model_proto.SerializeToString()
    return data


def _run(data: bytes, batches: list[Tensor]) -> list[Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return [torch.from_numpy(np.asarray(session.run(None, {name: images.numpy()})[0])) for images in batches]


def _compare(outputs: list[Tensor], expected: list[Tensor], how: str) -> None:
    for output, logits in zip(outputs, expected, strict=True):
        if output.shape != logits.shape or not torch.allclose(output, logits, rtol=TOLERANCE, atol=TOLERANCE):
            raise CheckFailed(f"the export ({how}) gives other logits for a batch of {len(logits)}")


def _first_line(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
