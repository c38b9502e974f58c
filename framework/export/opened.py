"""An export, a run or a bundle as one function from decoded images to probabilities."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.data.unicode_names import nfc
from framework.errors import UserError
from framework.export.formats import SUFFIXES
from framework.inference.onnx_engine import open_session
from framework.inference.predictor import Predictor
from framework.runs.onnx_file import read_onnx

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.registry import Registry

Compute = Callable[["NDArray[np.uint8]"], "NDArray[Any]"]
"""RGB, uint8 B×3×H×W of any size, to probabilities B×K."""


@dataclass(frozen=True)
class Opened:
    """What can be measured."""

    compute: Compute
    size: tuple[int, int]
    """Height and width of what the network sees."""
    classes: tuple[str, ...]


def open_export(named: str | Path, registry: Registry) -> Opened:
    """A file of `framework export`, a run folder or a bundle; raises `UserError` where it is none of them."""
    path = Path(named)
    if path.is_file() and path.suffix == SUFFIXES["onnx"]:
        documents = read_onnx(path)
        return _opened(onnx_function(open_session(path)), documents["preprocess"], documents["classes"])
    if path.is_file() and path.suffix == SUFFIXES["pt2"]:
        documents = read_pt2(path)
        return _opened(pt2_function(path), documents["preprocess"], documents["classes"])
    predictor = Predictor.open(named, registry, "cpu")
    return _opened(predictor_function(predictor), predictor.preprocess.as_dict(), predictor.classes)


def onnx_function(session: Any) -> Compute:
    """An ONNX file of `framework export`, already opened."""
    return lambda images: np.asarray(session.run(["probabilities"], {"images": images})[0])


def pt2_function(path: Path) -> Compute:
    """A file of `torch.export`; raises `UserError` where it is none."""
    try:
        module = torch.export.load(str(path)).module()
    except Exception as error:
        raise UserError(f"{path}: torch {torch.__version__} does not take it: {error}") from None

    def compute(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            answer: NDArray[np.float32] = module(torch.from_numpy(images))[0].numpy()
        return answer

    return compute


def predictor_function(predictor: Predictor) -> Compute:
    """A run or a bundle, preprocessing included."""

    def compute(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        seen = torch.stack([predictor.preprocess(image) for image in images])
        answer: NDArray[np.float64] = predictor.probabilities(seen).numpy()
        return answer

    return compute


def read_pt2(path: Path) -> dict[str, Any]:
    """The JSON documents beside the graph; raises `UserError` where the file is no export."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {Path(name).name: name for name in archive.namelist() if Path(name).parent.name == "extra"}
            return {
                name.removesuffix(".json"): json.loads(archive.read(entries[name]))
                for name in ("classes.json", "preprocess.json")
            }
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        raise UserError(f"{path}: damaged, or no export of `framework export RUN --format pt2`") from None


def _opened(compute: Compute, preprocess: dict[str, Any], classes: Any) -> Opened:
    return Opened(compute, (preprocess["height"], preprocess["width"]), tuple(map(nfc, classes)))
