"""A trained network as a classifier: engine, preprocessing and class names belong together."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from framework.data.decode import MAX_PIXELS, decode, quiet_decoding
from framework.data.preprocess import Preprocessor
from framework.data.stores.build import build_store
from framework.data.stores.store import Store
from framework.evaluation.predictions import Predictions
from framework.evaluation.probabilities import probabilities
from framework.inference.inputs import one_or_many
from framework.inference.onnx_engine import OnnxEngine
from framework.inference.ranking import ranked
from framework.inference.reading import Keep, Reader, Seen
from framework.inference.torch_engine import TorchEngine
from framework.registry import Registry
from framework.runs.onnx_file import SUFFIX as ONNX_SUFFIX
from framework.runs.trained import Trained, open_trained

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.depth import DeepValues, ValueRange
    from framework.data.regions import Find, Region
    from framework.data.stores.storage import Storage
    from framework.data.stores.survey import Progress
    from framework.inference.inputs import Image


class Engine(Protocol):
    """What computes: uint8 B×C×H×W of the network's size to calibrated logits float32 B×K, on the CPU.

    The activation of the network (`Trained.activation`) makes them probabilities.
    """

    @property
    def device(self) -> torch.device:
        """Where."""

    @property
    def tta(self) -> int:
        """Views of each image whose logits are averaged."""

    def __call__(self, images: Tensor) -> Tensor:
        """Calibrated logits of a batch."""

    def with_tta(self, number: int) -> Engine:
        """The same, with the mean over so many views of each image; raises `UserError` where it cannot."""

    def with_temperature(self, temperature: float) -> Engine:
        """The same, with logits divided by another temperature; raises `UserError` where it cannot."""


@dataclass(frozen=True)
class Prediction:
    """What the network says of one image, or of one part of it that a detector found; or why it could not be read.

    Without probabilities and without an error, the detector found nothing in the image.
    """

    name: str
    probabilities: tuple[float, ...] = ()
    """One for each class, in the order of `Predictor.classes`; they sum to one where the activation is softmax."""
    error: str | None = None
    region: Region | None = None
    """Where in the image, where a detector found it; `name` then ends in `#1`, `#2`, …"""
    deep: DeepValues | None = None
    """The values of an image with more than 8 bits a sample: `framework predict` warns if they are nearly black."""


@dataclass(frozen=True)
class Predictor:
    """A run folder, a bundle or an ONNX export, ready to classify.

    predictor = Predictor.open("runs/fer2013_resnet18-1")
    for prediction in predictor.predict(["a.jpg", "b.png"]):
        print(prediction.name, predictor.top(prediction, 1))
    """

    trained: Trained
    classes: tuple[str, ...]
    preprocess: Preprocessor
    engine: Engine
    batch_size: int
    """Images computed at once; as in the run's training until it is set."""

    @classmethod
    def open(cls, named: str | Path | Trained, registry: Registry | None = None, device: str = "auto") -> Predictor:
        """Load a finished run, a bundle or an ONNX export, by path or name; the last is always on the CPU.

        Raises `UserError` where there is none, or its network's plugin is not installed.
        """
        registry = registry or Registry.load()
        trained = named if isinstance(named, Trained) else open_trained(named, registry)
        saved = trained.documents["model"]
        engine: Engine = (
            OnnxEngine.load(trained)
            if trained.weights.suffix == ONNX_SUFFIX
            else TorchEngine.load(trained, registry, device)
        )
        preprocess = Preprocessor.from_dict(saved["preprocess"])
        return cls(trained, trained.classes, preprocess, engine, saved["evaluation"]["batch_size"])

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self.engine.device

    def with_tta(self, number: int) -> Predictor:
        """The same, looking at each image so many times (1, 2, 6 or 10)."""
        return replace(self, engine=self.engine.with_tta(number))

    def with_batch_size(self, number: int | None) -> Predictor:
        """The same, computing so many images at once; None changes nothing."""
        return self if number is None else replace(self, batch_size=number)

    def with_value_range(self, values: ValueRange | None) -> Predictor:
        """The same for images of more than 8 bits a sample that have other values than those of the training.

        None: the same values.
        """
        return self if values is None else replace(self, preprocess=replace(self.preprocess, value_range=values))

    def with_temperature(self, temperature: float) -> Predictor:
        """The same, with other probabilities: 1 is as the network was trained."""
        return replace(self, engine=self.engine.with_temperature(temperature))

    def read(self, image: str | Path | bytes, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Tensor:
        """A file, or its bytes, as the network sees it: uint8 C×H×W; raises `BadImage`.

        For any thread. Whoever calls it does so within `quiet_decoding()`, once around all calls: it cannot be done
        here, for what a process warns of is not a matter of one thread.
        """
        seen = self.preprocess
        return seen(decode(image, name, seen.least_side, max_pixels, seen.value_range))

    def probabilities(self, images: Tensor) -> Tensor:
        """Float64 B×K, in the order of `classes`, of uint8 B×C×H×W as `read` gives them."""
        return probabilities(self.engine(images).double(), self.trained.activation)

    def predict(
        self, images: Image | Iterable[Image], find: Find | None = None, keep: Keep | None = None
    ) -> Iterator[Prediction]:
        """One prediction for each image, in order, as batches are done; an unreadable image gives one with `error`.

        An image is a path, an image file's bytes, a PIL image, a uint8 array H×W or H×W×C, a uint8 tensor C×H×W, or a
        pair of a name and one of these; `images` is one of them, or any iterable of them. Anything else raises
        `TypeError`. Threads read ahead while the network computes, about a batch: `images` may be endless.

        With `find`, what a `Detector` builds, one for each part of an image that it finds, or one without probabilities
        where it finds none; `keep` is then told the name and the pixels of each part.

        Pillow's warnings are kept quiet while this is at work. Threads may still read while an answer is looked at: who
        wants no word of them then holds `quiet_decoding()` around the loop.
        """
        return self._predicted(Reader(self.preprocess, find, keep).ahead(one_or_many(images), self.batch_size))

    def _predicted(self, reading: Generator[Seen, None, None]) -> Iterator[Prediction]:
        while True:
            with quiet_decoding():  # not across a yield: what the caller does there is no matter of this
                predictions = self._predictions(list(islice(reading, self.batch_size)))
            if not predictions:
                return
            yield from predictions

    def top(self, prediction: Prediction, number: int) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities, highest first; empty where it has no probabilities."""
        return ranked(self.classes, prediction.probabilities)[:number]

    def store(
        self,
        source: ImageSource,
        on_bad_image: str,
        progress: Progress | None = None,
        storage: Storage | None = None,
    ) -> Store:
        """The images of a source, as this network sees them; `storage` says where they are, left out: in memory."""
        return build_store(source, self.preprocess, on_bad_image, progress, storage)

    def predictions(self, store: Store) -> Predictions:
        """What the network says of every image of a store, in the same batches as at the end of the run.

        `classes` of what comes back are those of the network; labels are as the store has them.
        """
        logits = torch.cat([self.engine(batch) for batch in store.pixels.in_order(self.batch_size)])
        return Predictions(self.classes, store.names, store.labels, logits, store.hashes, self.trained.activation)

    def _predictions(self, batch: list[Seen]) -> list[Prediction]:
        shown = [seen.pixels for seen in batch if seen.pixels is not None]
        rows = iter(self.probabilities(torch.stack(shown)).tolist() if shown else [])
        return [
            Prediction(seen.name, () if seen.pixels is None else tuple(next(rows)), seen.error, seen.region, seen.deep)
            for seen in batch
        ]
