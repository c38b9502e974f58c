"""The export formats: suffixes, required packages, and how each is written."""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import RunFailed, UserError
from framework.files import replace_atomically
from framework.runs.bundle import SUFFIX, write_bundle
from framework.runs.card import model_card
from framework.runs.documents import TEXTS, pack
from framework.runs.export_file import FORMAT, ONNX, PT2

if TYPE_CHECKING:
    from framework.data.preprocess import Preprocessor
    from framework.inference.predictor import Predictor
    from framework.inference.torch_engine import TorchEngine

SUFFIXES = {"onnx": ONNX, "pt2": PT2, "safetensors": SUFFIX}
OPSET = 18
"""The oldest ONNX operator set with all that is needed, for as many runtimes as possible."""
LARGEST_ONNX = 2**31 - 2**24
"""Bytes of weights: a protocol buffer is limited to 2 GiB, less the graph and the documents."""
DECODING = (
    "Input `images` is uint8 B×3×H×W, RGB, 0 to 255, of any height and width. The run decodes files as follows: EXIF "
    "orientation is applied; palettes are looked up; transparent pixels are composited onto white; samples of more "
    "than 8 bits are scaled so that {values}; CMYK is converted to RGB by Pillow; of an animation the first frame is "
    "used; grayscale is repeated in all three channels. "
    "A JPEG with at least {twice} pixels on both sides is decoded by libjpeg-turbo at the smallest of a half, a "
    "quarter and an eighth that divides both sides and leaves at least {least} pixels on each. Decoding it at full "
    "size changes probabilities slightly; see the parity report."
)


def require(kind: str) -> None:
    """Raise `UserError` if the format needs a package that is missing."""
    missing = [name for name in ("onnx", "onnxruntime", "onnxscript") if importlib.util.find_spec(name) is None]
    if kind == "onnx" and missing:
        raise UserError(f"exporting to ONNX needs {', '.join(missing)}: pip install 'framework[export]'")


def write(kind: str, predictor: Predictor, path: Path, title: str) -> None:
    """Write an export atomically, its model card with that title.

    Raises `RunFailed` if the network cannot be traced or translated.
    """
    documents = documents_of(predictor, title)
    if kind == "safetensors":
        write_bundle(path, predictor.trained.weights, documents)
        return
    from framework.inference.torch_engine import TorchEngine

    assert isinstance(predictor.engine, TorchEngine)
    preprocess = predictor.preprocess
    documents |= {
        "classes": list(predictor.classes),
        "preprocess": preprocess.as_dict(),
        "temperature": predictor.engine.temperature,
        "framework": version("framework"),
        "decoding": _decoding(preprocess),
    }
    with quiet():
        data = _onnx(predictor.engine, documents) if kind == "onnx" else _pt2(predictor.engine, documents)

    def write_bytes(temporary: Path) -> None:
        temporary.write_bytes(data)

    replace_atomically(path, write_bytes)


def _decoding(preprocess: Preprocessor) -> str:
    values = "the range stated in the file (sBIT, BitsPerSample, MaxSampleValue), else 0 to 65535, becomes 0 to 255"
    if preprocess.value_range is not None:
        low, high = preprocess.value_range
        values = f"{low:g} becomes 0 and {high:g} becomes 255"
    least = preprocess.least_side
    return DECODING.format(twice=2 * least, least=least, values=values)


def documents_of(predictor: Predictor, title: str, *, int8: bool = False) -> dict[str, Any]:
    """The shareable documents of the run, with its recipe and a model card, and without a bundle's detector.

    `model` has the number of TTA views of this predictor, which may differ from the recipe's, and `int8`. In both cases
    the metrics of the run do not apply to the file (`metrics_apply`).
    """
    shared = predictor.trained.shareable()
    shared = replace(shared, documents={name: value for name, value in shared.documents.items() if name != "detector"})
    model = shared.documents["model"]
    model = {**model, "evaluation": {**model["evaluation"], "tta": predictor.engine.tta}}
    if int8:
        model["int8"] = True
    shared = replace(shared, documents={**shared.documents, "model": model})
    return {**shared.documents, "recipe": shared.recipe, "card": model_card(shared, title)}


def _onnx(engine: TorchEngine, documents: dict[str, Any]) -> bytes:
    import onnx_ir

    model = _translated(engine)
    for node in model.graph:
        node.metadata_props.clear()  # paths and lines of code on this machine
    model.graph.inputs[0].shape = onnx_ir.Shape(["batch", 3, "height", "width"])
    for output in model.graph.outputs:
        output.shape = onnx_ir.Shape(["batch", len(documents["classes"])])
    model.metadata_props.clear()
    model.metadata_props.update({"export": FORMAT, **pack(documents)})
    weights = [value.const_value for value in model.graph.initializers.values()]
    if sum(tensor.nbytes for tensor in weights if tensor is not None) > LARGEST_ONNX:
        raise RunFailed("the network is larger than 2 GB, the limit of an ONNX file; use --format pt2")
    data: bytes = onnx_ir.to_proto(model).SerializeToString()
    return data


def _translated(engine: TorchEngine) -> Any:
    """The classifier as a model of `onnx_ir`."""
    import torch

    from framework.export.classifier import EXAMPLE, traced

    example = torch.zeros(EXAMPLE, dtype=torch.uint8)
    try:
        program = torch.onnx.export(
            traced(engine), (example,), dynamo=True, opset_version=OPSET, verbose=False,
            input_names=["images"], output_names=["probabilities", "logits"],
        )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        raise RunFailed(
            f"PyTorch cannot translate this network to ONNX: {_reason(error)}\n"
            "    --format pt2 needs no translation; --format safetensors is a bundle"
        ) from None
    if program is None:
        raise RunFailed("torch.onnx.export returned no program")
    return program.model


def _reason(error: BaseException) -> str:
    """The first line of the first cause: the message of the last one only says how to report errors to PyTorch."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _pt2(engine: TorchEngine, documents: dict[str, Any]) -> bytes:
    import torch

    from framework.export.classifier import traced

    files = {f"{name}.{'txt' if name in TEXTS else 'json'}": text for name, text in pack(documents).items()}
    program = traced(engine)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # paths and lines of code on this machine
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files=files)
    return buffer.getvalue()


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress the exporters' own log messages and warnings."""
    import logging

    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
