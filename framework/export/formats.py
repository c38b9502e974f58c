"""What an exporter writes, and the file that it makes."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from framework.attribution import attributed_to, fault
from framework.errors import RunFailed
from framework.files import rename_flushed, replace_atomically
from framework.runs.bundle import write_bundle
from framework.runs.card import model_card
from framework.runs.documents import pack

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from framework.components import Exporter
    from framework.data.preprocess import Preprocessor
    from framework.inference.predictor import Predictor
    from framework.inference.torch_engine import TorchEngine

DECODING = (
    "Input `images` is uint8 B×3×H×W, RGB, 0 to 255, of any height and width. The run decodes files as follows: EXIF "
    "orientation is applied; palettes are looked up; transparent pixels are composited onto white; samples of more "
    "than 8 bits are scaled so that {values}; CMYK is converted to RGB by Pillow; of an animation the first frame is "
    "used; grayscale is repeated in all three channels. "
    "A JPEG with at least {twice} pixels on both sides is decoded by libjpeg-turbo at the smallest of a half, a "
    "quarter and an eighth that divides both sides and leaves at least {least} pixels on each. Decoding it at full "
    "size changes probabilities slightly; see the parity report."
)


@dataclass(frozen=True)
class Export:
    """A trained network as an exporter gets it; graphs are made when they are first used."""

    predictor: Predictor
    title: str
    """Of the model card."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the outputs."""
        return self.predictor.classes

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The documents of the run, as texts by name; all of them belong into the file."""
        preprocess = self.predictor.preprocess
        documents = documents_of(self.predictor, self.title) | {
            "classes": list(self.classes),
            "preprocess": preprocess.as_dict(),
            "temperature": self._engine.temperature,
            "framework": version("framework"),
            "decoding": _decoding(preprocess),
        }
        return pack(documents)

    @property
    def example(self) -> Tensor:
        """Images uint8 B×3×H×W, as an example for tracing."""
        import torch

        from framework.export.classifier import EXAMPLE

        return torch.zeros(EXAMPLE, dtype=torch.uint8)

    @cached_property
    def classifier(self) -> nn.Module:
        """A module from images to `(probabilities, logits)`: preprocessing, network, temperature and activation."""
        from framework.export.classifier import Classifier

        return Classifier(self._engine)

    @cached_property
    def program(self) -> torch.export.ExportedProgram:
        """The classifier as a `torch.export` graph for any batch size, height and width.

        Raises `RunFailed` if it cannot be traced.
        """
        from framework.export.classifier import traced

        return traced(self._engine)

    def write_bundle(self, path: Path) -> None:
        """Write the weights and the documents as a bundle."""
        write_bundle(path, self.predictor.trained.weights, documents_of(self.predictor, self.title))

    @property
    def _engine(self) -> TorchEngine:
        from framework.inference.torch_engine import TorchEngine

        assert isinstance(self.predictor.engine, TorchEngine)
        return self.predictor.engine


def write(exporter: Exporter, predictor: Predictor, path: Path, title: str) -> None:
    """Write an export, its model card with that title; `path` appears last, with all of its content.

    Raises `RunFailed` if the network cannot be traced or translated.
    """

    def write_file(temporary: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as folder:
            file = Path(folder) / path.name
            try:
                with quiet(), attributed_to(exporter, "write()", passing=(OSError, SafetensorError)):
                    exporter.write(Export(predictor, title), file)
            except RunFailed as error:
                raise RunFailed(str(error).replace(str(file), str(path))) from None
            for suffix in (*exporter.companions, exporter.suffix):
                if not file.with_suffix(suffix).is_file():
                    raise fault(exporter, f"wrote no file *{suffix} in write()")
            for suffix in exporter.companions:
                rename_flushed(file.with_suffix(suffix), path.with_suffix(suffix))
            file.replace(temporary)

    replace_atomically(path, write_file)


def rename(exporter: Exporter, old: Path, new: Path) -> None:
    """Rename an export and its companions."""
    for suffix in (*exporter.companions, exporter.suffix):
        old.with_suffix(suffix).replace(new.with_suffix(suffix))


def remove(exporter: Exporter, path: Path) -> None:
    """Remove an export and its companions."""
    for suffix in (exporter.suffix, *exporter.companions):
        path.with_suffix(suffix).unlink(missing_ok=True)


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
    return {**shared.documents, "recipe": shared.recipe, "card": model_card(shared, title, predictor.task)}


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
