"""A trained network as a classifier: engine, preprocessing and class names together."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from framework.data.decode import MAX_PIXELS, quiet_decoding
from framework.data.preprocess import Preprocessor
from framework.data.stores.build import build_store
from framework.data.stores.store import Store
from framework.errors import UserError
from framework.evaluation.predictions import Predictions
from framework.evaluation.probabilities import probabilities
from framework.inference.detection import NONE
from framework.inference.graph_engine import GraphEngine
from framework.inference.image_reader import ImageReader, Keep, ReadImage
from framework.inference.inputs import one_or_many
from framework.inference.ranking import ranked
from framework.inference.torch_engine import TorchEngine
from framework.registry import Registry, default_task
from framework.runs.trained import Trained, open_trained

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import ImageSource, Task
    from framework.data.depth import DeepValues, ValueRange
    from framework.data.regions import Find, Region
    from framework.data.stores.storage import Storage
    from framework.data.stores.survey import Progress
    from framework.inference.engine import Engine
    from framework.inference.inputs import Image


@dataclass(frozen=True)
class Prediction:
    """The prediction for an image, or for a region of it that a detector found; or why it cannot be read.

    Without probabilities and without an error, the detector found nothing in the image.
    """

    name: str
    probabilities: tuple[float, ...] = ()
    """One for each class, in the order of `Predictor.classes`; they sum to one if the activation is softmax."""
    error: str | None = None
    region: Region | None = None
    """The detected region; `name` then ends in `#1`, `#2`, …"""
    deep: DeepValues | None = None
    """The values of an image with more than 8 bits per sample: `framework predict` warns if they are nearly black."""
    classes: tuple[str, ...] = field(default=(), repr=False)
    """The class names, in the order of `probabilities`."""
    decided: tuple[tuple[str, float], ...] = field(default=(), repr=False)
    """The predicted classes with their probabilities, highest first: one, or for the task `multi_label` any number."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The predicted classes, the most probable first; raises `UserError` if there are no probabilities."""
        self._best()
        return tuple(name for name, _ in self.decided)

    @property
    def label(self) -> str:
        """The most probable class; raises `UserError` if there are no probabilities."""
        return self._best()[0]

    @property
    def probability(self) -> float:
        """The probability of `label`; raises `UserError` if there are no probabilities."""
        return self._best()[1]

    def top(self, number: int) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities, highest first; empty if there are no probabilities."""
        return ranked(self.classes, self.probabilities)[:number]

    def _best(self) -> tuple[str, float]:
        if self.error is not None:
            raise UserError(f"{self.name}: cannot be read: {self.error}")
        if not self.probabilities:
            raise UserError(f"{self.name}: the detector found nothing; to classify the whole image: detect='{NONE}'")
        return self.top(1)[0]


@dataclass(frozen=True)
class Predictor:
    """A run folder, a bundle or an export, ready to classify.

    predictor = Predictor.open("runs/fer2013_resnet18-1")
    for prediction in predictor.predict(["a.jpg", "b.png"]):
        print(prediction.name, predictor.top(prediction, 1))
    """

    trained: Trained
    classes: tuple[str, ...]
    preprocess: Preprocessor
    engine: Engine
    batch_size: int
    """Images per batch; by default that of the run's evaluation."""
    task: Task = field(default_factory=default_task)

    @classmethod
    def open(cls, named: str | Path | Trained, registry: Registry | None = None, device: str = "auto") -> Predictor:
        """Load a finished run, a bundle or an export, by path or name; exports run on the CPU whatever `device` is.

        Raises `UserError` if there is none, or if the plugin of its network is not installed.
        """
        registry = registry or Registry.load()
        trained = named if isinstance(named, Trained) else open_trained(named, registry)
        saved = trained.documents["model"]
        engine: Engine = GraphEngine.load(trained) if trained.is_export else TorchEngine.load(trained, registry, device)
        preprocess = Preprocessor.from_dict(saved["preprocess"])
        return cls(
            trained, trained.classes, preprocess, engine, saved["evaluation"]["batch_size"], trained.task(registry)
        )

    @property
    def device(self) -> torch.device:
        """Where the network computes."""
        return self.engine.device

    def with_tta(self, number: int) -> Predictor:
        """The same with 1, 2, 6 or 10 TTA views of each image."""
        return replace(self, engine=self.engine.with_tta(number))

    def with_batch_size(self, number: int | None) -> Predictor:
        """The same with batches of `number` images; None changes nothing. Raises `UserError` below 1."""
        if number is not None and number < 1:
            raise UserError(f"--batch-size is {number}; it must be at least 1")
        return self if number is None else replace(self, batch_size=number)

    def with_value_range(self, values: ValueRange | None) -> Predictor:
        """The same for images with more than 8 bits per sample whose values differ from those of the training images.

        None changes nothing.
        """
        return self if values is None else replace(self, preprocess=replace(self.preprocess, value_range=values))

    def with_temperature(self, temperature: float) -> Predictor:
        """The same at another temperature; 1 undoes calibration."""
        return replace(self, engine=self.engine.with_temperature(temperature))

    @property
    def thresholds(self) -> tuple[float, ...] | None:
        """The probability above which each class is predicted, K; None if the task has no thresholds."""
        logits = self.threshold_logits
        if logits is None:
            return None
        return tuple(probabilities(logits[None], self.trained.activation)[0].tolist())

    @property
    def threshold_logits(self) -> Tensor | None:
        """The same as logits at the temperature of the network, float64 K."""
        logits = self.trained.thresholds
        return None if logits is None else torch.tensor(logits, dtype=torch.float64) / self.engine.temperature

    def read(self, image: str | Path | bytes, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Tensor:
        """Read a file or its bytes as uint8 C×H×W at the network's size; raises `BadImage`.

        May be called from any thread. Call it within `quiet_decoding()`, entered once for all threads: Python's warning
        filters belong to the process, not to a thread.
        """
        return self.preprocess.from_file(image, name, max_pixels)

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities float64 B×K, in the order of `classes`, of uint8 B×C×H×W as `read` returns them."""
        return probabilities(self.engine(images).double(), self.trained.activation)

    def predict(
        self, images: Image | Iterable[Image], find: Find | None = None, keep: Keep | None = None
    ) -> Iterator[Prediction]:
        """Predict each image, in order, batch by batch; an unreadable image gives a prediction with `error`.

        An image is a path, an image file's bytes, a PIL image, a uint8 array H×W or H×W×C, a uint8 tensor C×H×W, or a
        pair of a name and one of these; `images` is one of them, or any iterable of them. Anything else raises
        `TypeError`. Threads read about a batch ahead while the network computes: `images` may be endless.

        With `find`, which a `Detector` builds, there is one prediction for each detected region, or one without
        probabilities if there is none; `keep` is called with the name and the pixels of each region.

        Pillow's warnings are suppressed while this generator runs. Its threads may still read while the caller handles
        a prediction: to suppress warnings then too, put the loop into `quiet_decoding()`.
        """
        return self._predicted(ImageReader(self.preprocess, find, keep).ahead(one_or_many(images), self.batch_size))

    def _predicted(self, reading: Generator[ReadImage, None, None]) -> Iterator[Prediction]:
        while True:
            with quiet_decoding():  # not across a yield, which would change the caller's warning filters
                predictions = self._predict_batch(list(islice(reading, self.batch_size)))
            if not predictions:
                return
            yield from predictions

    def top(self, prediction: Prediction, number: int) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities, highest first; empty if there are no probabilities."""
        return ranked(self.classes, prediction.probabilities)[:number]

    def store(
        self,
        source: ImageSource,
        on_bad_image: str,
        progress: Progress | None = None,
        storage: Storage | None = None,
    ) -> Store:
        """The preprocessed images of a source, in memory unless `storage` says otherwise."""
        return build_store(source, self.preprocess, on_bad_image, progress, storage, self.task)

    def predictions(self, store: Store) -> Predictions:
        """Predict every image of a store, in the same batches as at the end of the run.

        The result has the classes of the network and the labels of the store.
        """
        logits = torch.cat([self.engine(batch) for batch in store.pixels.in_order(self.batch_size)])
        return Predictions.of_store(
            store,
            logits,
            self.task,
            activation=self.trained.activation,
            classes=self.classes,
            thresholds=self.threshold_logits,
        )

    def _predict_batch(self, batch: list[ReadImage]) -> list[Prediction]:
        pixels = [image.pixels for image in batch if image.pixels is not None]
        rows = iter(self.probabilities(torch.stack(pixels)).tolist() if pixels else [])
        thresholds, found = self.thresholds, []
        for image in batch:
            row = () if image.pixels is None else tuple(next(rows))
            decided = tuple(self.task.decide(row, self.classes, thresholds)) if row else ()
            found.append(Prediction(image.name, row, image.error, image.region, image.deep, self.classes, decided))
        return found
