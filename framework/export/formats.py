"""The formats of exports: what each is called, what it needs, how it is written."""

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
from framework.runs.bundle import write_bundle
from framework.runs.card import model_card
from framework.runs.documents import TEXTS, pack
from framework.runs.onnx_file import FORMAT

if TYPE_CHECKING:
    from framework.data.preprocess import Preprocessor
    from framework.inference.predictor import Predictor
    from framework.inference.torch_engine import TorchEngine

SUFFIXES = {"onnx": ".onnx", "pt2": ".pt2", "safetensors": ".safetensors"}
OPSET = 18
"""The oldest version of ONNX's operators that has all that is needed: most runtimes know it."""
LARGEST_ONNX = 2**31 - 2**24
"""Bytes of weights: a protocol buffer has 2 GiB, of which the graph and the documents need a little."""
DECODING = (
    "Input `images` is uint8 B×3×H×W, RGB, 0 to 255, of any height and width. The run decoded files so: turned upright "
    "by EXIF orientation; palettes looked up; transparent pixels put on white; samples of more than 8 bits "
    "scaled so that {values}; CMYK converted to RGB by Pillow; the first frame of an animation; gray repeated in all "
    "three channels. "
    "A JPEG of which both sides are at least {twice} pixels was decoded by libjpeg-turbo at the smallest of a half, a "
    "quarter and an eighth that divides both sides and leaves at least {least} pixels on each; decoding it at its full "
    "size changes probabilities a little, as the parity report says."
)


def require(kind: str) -> None:
    """Raise `UserError` where a package is missing that the format needs."""
    missing = [name for name in ("onnx", "onnxruntime", "onnxscript") if importlib.util.find_spec(name) is None]
    if kind == "onnx" and missing:
        raise UserError(f"exporting to ONNX needs {', '.join(missing)}: pip install 'framework[export]'")


def write(kind: str, predictor: Predictor, path: Path, title: str) -> None:
    """Write an export of that format with a card of that title, whole or not at all.

    Raises `RunFailed` where the network cannot be traced or translated.
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
    replace_atomically(path, lambda temporary: _write_bytes(temporary, data))


def _decoding(preprocess: Preprocessor) -> str:
    values = "the range that a file states (sBIT, BitsPerSample, MaxSampleValue), else 0 to 65535, becomes 0 to 255"
    if preprocess.value_range is not None:
        low, high = preprocess.value_range
        values = f"{low:g} becomes 0 and {high:g} becomes 255"
    least = preprocess.least_side
    return DECODING.format(twice=2 * least, least=least, values=values)


def documents_of(predictor: Predictor, title: str, *, int8: bool = False) -> dict[str, Any]:
    """Those of the run that may travel, with its recipe and a card.

    `model` has the views of this predictor, which may be others than the recipe's, and says where the arithmetic is
    `int8`: the metrics of the run are not the file's own then (`has_own_metrics`).
    """
    shared = predictor.trained.for_others()
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
        raise RunFailed("the network is larger than 2 GB, which one ONNX file cannot hold; use --format pt2")
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
        raise RunFailed("torch.onnx.export gave no program")
    return program.model


def _reason(error: BaseException) -> str:
    """The first line of the first cause: what PyTorch raises in the end is advice on reporting errors to PyTorch."""
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
    """Without what exporters say of themselves; what matters is measured afterwards."""
    import logging

    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
