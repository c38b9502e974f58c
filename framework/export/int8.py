"""Static quantisation of an ONNX export: 8-bit weights and activations, under onnxruntime."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from framework.data.decode import BadImage
from framework.errors import RunFailed
from framework.export.formats import documents_of, quiet
from framework.export.sample import Sample
from framework.files import replace_atomically
from framework.inference.graph_engine import as_rgb
from framework.inference.predictor import Predictor
from framework.runs.documents import pack

IMAGES = 256
"""Calibration images."""
BATCH = 16
QUANTISED = ["Conv", "Gemm", "MatMul"]
"""The operators with nearly all of the arithmetic."""


def write_int8(exported: Path, out: Path, predictor: Predictor, sample: Sample) -> None:
    """Quantise an ONNX export, with a sample of images for calibration; raises `RunFailed` if that fails.

    Convolutions and matrix products are quantised: weights to 7 bits per channel, so that sums cannot overflow on
    processors without VNNI, activations to 8 bits over their range on the sample. Preprocessing is unchanged. Jacob et
    al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018.
    """
    import onnx

    try:
        model = _quantised(exported, predictor, sample, out.stem)
    except Exception as error:
        raise RunFailed(f"onnxruntime cannot quantise this network: {type(error).__name__}: {error}") from None
    replace_atomically(out, lambda temporary: onnx.save(model, temporary))


def _quantised(exported: Path, predictor: Predictor, sample: Sample, title: str) -> Any:
    """The quantised model, with the export's metadata except for its own `model` and `card`."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches = _batches(predictor, sample)

        def get_next(self) -> Any:
            return next(self.batches, None)

    with tempfile.TemporaryDirectory() as folder, quiet():
        prepared, quantised = Path(folder) / "prepared.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(str(exported), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(quantised), Reader(), quant_format=QuantFormat.QDQ,
            op_types_to_quantize=QUANTISED, per_channel=True, reduce_range=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            nodes_to_exclude=_preprocessing(onnx.load(prepared).graph),
        )  # fmt: skip
        model = onnx.load(quantised)
        changed = documents_of(predictor, title, int8=True)
        metadata = {prop.key: prop.value for prop in onnx.load(exported).metadata_props}
        onnx.helper.set_model_props(model, metadata | pack({name: changed[name] for name in ("model", "card")}))
        return model


def _preprocessing(graph: Any) -> list[str]:
    """Names of the preprocessing nodes: everything up to the rounding of resized pixels."""
    makers = {output: node for node in graph.node for output in node.output}
    rounding = next(node for node in graph.node if node.op_type == "Round")
    found, waiting = set(), [rounding]
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found.add(node.name)
            waiting += [makers[name] for name in node.input if name in makers]
    return sorted(found)


def _batches(predictor: Predictor, sample: Sample) -> Iterator[dict[str, Any]]:
    images = []
    for place in range(0, len(sample), -(-len(sample) // IMAGES)):
        try:
            images.append(predictor.preprocess(sample.read(place, predictor.preprocess.least_side)))
        except BadImage:
            continue
    for first in range(0, len(images), BATCH):
        yield {"images": as_rgb(torch.stack(images[first : first + BATCH])).numpy()}
