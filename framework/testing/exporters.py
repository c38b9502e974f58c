"""Checks of exporters."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from framework.attribution import ComponentFault
from framework.components import Exporter
from framework.data.preprocess import Preprocessor
from framework.errors import UserError, enumerate_names
from framework.evaluation.evaluate import Evaluator
from framework.export.formats import Export, quiet
from framework.export.parity import LIMIT
from framework.inference.predictor import Predictor
from framework.inference.torch_engine import TorchEngine
from framework.runs.export_file import open_export
from framework.runs.trained import Trained
from framework.runs.weights import save_weights
from framework.testing.arguments import seeded
from framework.testing.check import Check, CheckFailed, Subject, require

SHAPES = ((3, 3, 40, 30), (1, 3, 12, 16), (2, 3, 9, 50))
"""Of images: several sizes and batch sizes, one that needs no resizing."""
NAMES, LIMITS = ("probabilities", "logits"), (LIMIT, 1e-2)
TEMPERATURE, TTA = 2.0, 2
RECIPE = "seed: 0\nmodel: {name: small}\n"

Outputs = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class _Written:
    """A network, and the file that an exporter has written of it."""

    exporter: Exporter
    export: Export
    file: Path

    @property
    def all_files(self) -> set[str]:
        """The names of the file and its companions."""
        return {self.file.with_suffix(suffix).name for suffix in (self.exporter.suffix, *self.exporter.companions)}


def files(subject: Subject) -> None:
    """`write` makes its file and the declared companions, and nothing else."""
    with _written(subject) as written:
        found = {path.name for path in written.file.parent.iterdir()}
        missing, unknown = sorted(written.all_files - found), sorted(found - written.all_files)
        require(not missing, f"write() did not write {enumerate_names(missing)}")
        require(not unknown, f"write() also wrote {enumerate_names(unknown)}; declare its suffix in `companions`")


def texts(subject: Subject) -> None:
    """`open` returns the texts that were written."""
    with _written(subject) as written:
        found = dict(open_export(written.file, written.exporter)[1].texts)
        expected = written.export.texts
        wrong = [name for name in expected if found.get(name) != expected[name]]
        require(not wrong, f"other or no texts after writing and opening: {enumerate_names(wrong)}")


def parity(subject: Subject) -> None:
    """The graph predicts what the network predicts, for RGB images of any size, with all of the preprocessing."""
    for channels in (3, 1):
        with _written(subject, channels) as written:
            engine = written.export.predictor.engine
            for images, outputs in zip(_images(), _predict(written.file, written.exporter), strict=True):
                _compare(outputs, (engine.probabilities(images), engine(images)), images)


def standalone(subject: Subject) -> None:
    """A file that was moved and renamed predicts the same as before."""
    with _written(subject) as written, tempfile.TemporaryDirectory() as folder:
        before = _predict(written.file, written.exporter)
        moved = Path(folder) / written.file.with_stem("renamed").name
        for suffix in (written.exporter.suffix, *written.exporter.companions):
            written.file.with_suffix(suffix).replace(moved.with_suffix(suffix))
        for images, outputs, expected in zip(_images(), _predict(moved, written.exporter), before, strict=True):
            _compare(outputs, expected, images)


def damaged(subject: Subject) -> None:
    """A file that was cut in half is reported as a `UserError`."""
    with _written(subject) as written:
        data = written.file.read_bytes()
        written.file.write_bytes(data[: len(data) // 2])
        try:
            open_export(written.file, written.exporter)[1].load()
        except ComponentFault:
            raise
        except UserError:
            return
        raise CheckFailed("a file that was cut in half is opened without an error")


@contextmanager
def _written(subject: Subject, channels: int = 3) -> Iterator[_Written]:
    exporter = cast("Exporter", subject.component)
    exporter.require()
    with tempfile.TemporaryDirectory() as folder:
        export = Export(_predictor(subject.classes, channels, Path(folder) / "model.safetensors"), "checked")
        file = Path(folder) / "written" / f"checked{exporter.suffix}"
        file.parent.mkdir()
        with quiet():
            exporter.write(export, file)
        yield _Written(exporter, export, file)


def _predictor(classes: tuple[str, ...], channels: int, weights: Path) -> Predictor:
    """A small network whose predictions depend on preprocessing, TTA views and temperature."""
    with seeded(0):
        network = nn.Sequential(
            nn.Conv2d(channels, 6, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 5 * 7, len(classes))
        ).eval()
    save_weights(weights, network)
    preprocess = Preprocessor(12, 16, 3 if channels == 3 else 1, "pad", (0.4,) * channels, (0.25,) * channels)
    settings = {"batch_size": 8, "channels_last": False, "tta": TTA, "activation": "softmax"}
    model = {
        "classes": list(classes), "preprocess": preprocess.as_dict(), "model": {"name": "small"},
        "evaluation": settings,
    }  # fmt: skip
    trained = Trained("checked", weights, RECIPE, {"model": model, "calibration": {"temperature": TEMPERATURE}})
    evaluator = Evaluator(preprocess, torch.device("cpu"), batch_size=8, channels_last=False, tta=TTA)
    return Predictor(trained, classes, preprocess, TorchEngine(network, evaluator, TEMPERATURE), 8)


def _predict(file: Path, exporter: Exporter) -> list[Outputs]:
    """Probabilities and logits of the file, for each batch of `_images`."""
    graph = open_export(file, exporter)[1].load()
    return [graph(images) for images in _images()]


def _compare(outputs: Outputs, expected: Outputs, images: Tensor) -> None:
    size = f"{len(images)} images of {images.shape[2]}×{images.shape[3]}"
    for name, limit, one, other in zip(NAMES, LIMITS, outputs, expected, strict=True):
        require(one.shape == other.shape, f"{size}: {name} have the shape {tuple(one.shape)}")
        difference = (one.double() - other.double()).abs().nan_to_num(nan=torch.inf).max().item()
        require(difference <= limit, f"{size}: {name} differ by up to {difference:.2g} (allowed: {limit:g})")


def _images() -> list[Tensor]:
    """Batches of random images of different brightness, uint8 B×3×H×W."""
    random = torch.Generator().manual_seed(0)
    brightness = [torch.linspace(0.3, 1, shape[0]).view(-1, 1, 1, 1) for shape in SHAPES]
    return [
        (torch.randint(0, 256, shape, generator=random) * factors).to(torch.uint8)
        for shape, factors in zip(SHAPES, brightness, strict=True)
    ]


CHECKS = (
    Check(
        "files", "write() writes one file with the suffix, the declared companions, and nothing else.",
        "Write to the given path, and declare the suffixes of further files in `companions`.", files,
    ),
    Check(
        "texts", "open() returns all texts that write() got.",
        "Store export.texts in the file, and return the same in ExportedFile.", texts,
    ),
    Check(
        "parity", "The graph predicts what the network predicts, for any image and batch size, with all preprocessing.",
        "Export export.program or export.classifier, which include preprocessing, TTA and temperature, and compute in "
        "float32.", parity,
    ),
    Check(
        "standalone", "The file needs nothing else: it may be moved and renamed.",
        "Read everything from the given path; with companions, derive their names from it.", standalone,
    ),
    Check(
        "damaged", "A damaged file is reported as a UserError.",
        "Raise UserError from open() with the name of the file if it cannot be read.", damaged,
    ),
)  # fmt: skip
