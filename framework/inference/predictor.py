"""A finished run as a classifier: network, preprocessing and class names belong together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from framework.components import Model, build
from framework.data.decode import BadImage, decode, quiet_decoding
from framework.data.preprocess import Preprocessor
from framework.data.stores.store import Progress, Store, build_store
from framework.evaluation.evaluate import Evaluator
from framework.recipe.loading import validate_component_tree
from framework.registry import Registry
from framework.runs.folder import RunFolder, open_run
from framework.training.checkpoints import load_weights
from framework.training.device import choose_device

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.components import ImageSource
    from framework.data.stores.storage import Storage


@dataclass(frozen=True)
class Prediction:
    """What the network says of one image, or why it could not be read."""

    name: str
    probabilities: tuple[float, ...] = ()
    """One for each class, in the order of `Predictor.classes`; they sum to one."""
    error: str | None = None


class Predictor:
    """A run folder, ready to classify.

    predictor = Predictor.open("runs/fer2013_resnet18-1")
    for prediction in predictor.predict(["a.jpg", "b.png"]):
        print(prediction.name, predictor.top(prediction, 1))
    """

    def __init__(self, run: RunFolder, model: nn.Module, saved: Mapping[str, Any], device: torch.device) -> None:
        self.run = run
        self.model = model
        self.classes = tuple(saved["classes"])
        self.preprocess = Preprocessor.from_dict(saved["preprocess"])
        self.evaluator = Evaluator(self.preprocess, device, **saved["evaluation"])

    @classmethod
    def open(cls, path: str | Path, registry: Registry | None = None, device: str = "auto") -> Predictor:
        """Load a finished run; raises `UserError` where it is none, or its network's plugin is not installed."""
        run = open_run(Path(path))
        saved = run.read("model")
        registry = registry or Registry.load()
        component = _without_pretrained(validate_component_tree(Model, saved["model"], registry))
        preprocess = Preprocessor.from_dict(saved["preprocess"])
        size = (preprocess.height, preprocess.width)
        model = build(
            component, num_classes=len(saved["classes"]), channels=preprocess.channels, image_size=size, sample=None
        )
        load_weights(run.weights, model)
        where = choose_device(device)
        model = model.to(where)
        if saved["evaluation"]["channels_last"]:
            model = model.to(memory_format=torch.channels_last)
        return cls(run, model, saved, where)

    def predict(self, images: Iterable[str | Path]) -> Iterator[Prediction]:
        """One prediction for each file, in order; an unreadable file gives one with `error`."""
        waiting: list[tuple[str, Tensor | str]] = []
        for image in images:
            waiting.append((str(image), self._read(image)))
            if len(waiting) == self.evaluator.batch_size:
                yield from self._answer(waiting)
                waiting = []
        yield from self._answer(waiting)

    def top(self, prediction: Prediction, number: int) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities, highest first."""
        ranked = sorted(zip(self.classes, prediction.probabilities, strict=True), key=lambda pair: -pair[1])
        return ranked[:number]

    def store(
        self,
        source: ImageSource,
        on_bad_image: str,
        progress: Progress | None = None,
        storage: Storage | None = None,
    ) -> Store:
        """The images of a source, as this network sees them; `storage` says where they are, left out: in memory."""
        return build_store(source, self.preprocess, on_bad_image, progress, storage)

    def evaluate(self, store: Store) -> dict[str, Any]:
        """Every figure; the same code and batches as at the end of the run."""
        return self.evaluator.figures(self.model, store)

    def _read(self, image: str | Path) -> Tensor | str:
        try:
            with quiet_decoding():
                return self.preprocess(decode(image, least=self.preprocess.least_side))
        except BadImage as error:
            return error.reason

    def _answer(self, waiting: list[tuple[str, Tensor | str]]) -> Iterator[Prediction]:
        good = [image for _, image in waiting if isinstance(image, torch.Tensor)]
        if good:
            logits = self.evaluator.logits(self.model, [torch.stack(good)])
            rows = iter(logits.double().softmax(dim=1).tolist())
        for name, image in waiting:
            if isinstance(image, str):
                yield Prediction(name, error=image)
            else:
                yield Prediction(name, tuple(next(rows)))


def _without_pretrained(component: Model) -> Model:
    """The run's own weights are loaded next: those it started from need not be there any more."""
    if "pretrained" in type(component).model_fields:
        return component.model_copy(update={"pretrained": False})
    return component
