"""The predictions of a network for a split: saved with a run; all metrics are computed from them."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from framework.components import Activation, Metric, Task
from framework.data.unicode_names import nfc
from framework.errors import RunFailed, UserError
from framework.evaluation.bootstrap import Interval
from framework.evaluation.component_metrics import component_intervals, component_metrics
from framework.evaluation.confusion import Confusion
from framework.evaluation.probabilities import checked_activation, logits_of, probabilities
from framework.evaluation.texts import pack_texts, unpack_texts
from framework.files import replace_atomically
from framework.recipe.loading import validate_saved_component
from framework.recipe.saving import plain
from framework.registry import DEFAULT_TASK, Registry, default_task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from framework.data.stores.store import Store

ImageKey = tuple[str, str, int]


@dataclass(frozen=True)
class Predictions:
    """The logits and the true labels of a split, with the name of each image and of each class, in their order.

    What they mean is decided by the task: all properties and metrics below are its.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: Tensor
    """Int64 N, or int64 N×K of 0 and 1 for several labels per image."""
    logits: Tensor
    """Float32 N×K."""
    hashes: Tensor | None = None
    """Int64 N: the `pixel_hash` of each preprocessed image; None in files of earlier versions."""
    activation: Activation = "softmax"
    """What turns logits into probabilities; that of the loss that the network was trained with."""
    task: Task = field(default_factory=default_task)
    targets: Tensor | None = None
    """Float32 N×K: the true distribution over the classes, if labels are soft."""
    thresholds: Tensor | None = None
    """Float64 K: the logits above which a class is predicted, if the task has thresholds."""

    @classmethod
    def of_store(
        cls,
        store: Store,
        logits: Tensor,
        task: Task,
        *,
        activation: Activation,
        classes: tuple[str, ...] = (),
        thresholds: Tensor | None = None,
    ) -> Predictions:
        """The predictions for the images of a store; `classes` are by default those of the store."""
        labels, targets = task.true_labels(store.labels)
        return cls(
            classes or store.classes,
            store.names,
            labels,
            logits,
            store.hashes,
            activation,
            task,
            targets,
            thresholds,
        )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def probabilities(self) -> Tensor:
        """Float64 N×K; each row sums to one if the activation is softmax."""
        return probabilities(self.logits.double(), self.activation)

    @property
    def confidences(self) -> Tensor:
        """Float64 N: the probability of the prediction for each image."""
        return self.task.confidences(self)

    @property
    def predicted(self) -> Tensor:
        """The predicted labels, in the form of `labels`."""
        return self.task.predicted(self)

    @property
    def correct(self) -> Tensor:
        """Bool N: whether the prediction for the image is right."""
        return self.task.correct(self)

    @property
    def label_names(self) -> list[tuple[str, ...]]:
        """The names of the true labels of each image."""
        return self.task.label_names(self.labels.numpy(), self.classes)

    @property
    def predicted_names(self) -> list[tuple[str, ...]]:
        """The names of the predicted labels of each image."""
        return self.task.label_names(self.predicted.numpy(), self.classes)

    def metrics(self, more: Sequence[Metric] = ()) -> dict[str, Any]:
        """The metrics of the task, and the value of each component in `more`."""
        fixed = self.task.metrics(self)
        return fixed | component_metrics(more, self.logits, self.labels, self.classes, self.activation)

    def intervals(self, metrics: Sequence[Metric]) -> dict[str, Interval]:
        """The 95 % interval of each metric component by name, by resampling images; without those that have none."""
        return component_intervals(metrics, self.logits, self.labels, self.classes, self.activation)

    def confusion(self) -> Confusion:
        """The confusion matrix; for several labels per image, how often each is predicted where another is true."""
        confusion: Confusion = self.task.confusion(self)
        return confusion

    def with_thresholds(self) -> Predictions:
        """With the thresholds of the task, chosen on these predictions."""
        return replace(self, thresholds=self.task.thresholds(self))

    def only(self, chosen: Tensor) -> Predictions:
        """The predictions for some of the images; `chosen` is bool N."""
        return self.at(chosen.nonzero().flatten().numpy())

    def at(self, rows: NDArray[np.int64]) -> Predictions:
        """The predictions for the images at these positions, in this order."""
        names = tuple(self.names[row] for row in rows.tolist())
        hashes, targets = (None if tensor is None else tensor[rows] for tensor in (self.hashes, self.targets))
        return replace(
            self, names=names, labels=self.labels[rows], logits=self.logits[rows], hashes=hashes, targets=targets
        )

    @property
    def keys(self) -> list[ImageKey]:
        """A unique key for each image, the same in every source of the same data: see `image_keys`."""
        return list(image_keys(self.names, map("|".join, self.label_names)))

    def at_temperature(self, temperature: float) -> Predictions:
        """With logits divided by `temperature`, as calibration does."""
        thresholds = None if self.thresholds is None else self.thresholds / temperature
        return replace(self, logits=self.logits / temperature, thresholds=thresholds)

    def save(self, path: Path) -> None:
        """Write one safetensors file, atomically. Names are tensors too: see `pack_texts`."""
        header: dict[str, str] = {"activation": self.activation}
        if self.task.name != DEFAULT_TASK:
            header["task"] = json.dumps(plain(self.task))
        optional = {"hashes": self.hashes, "targets": self.targets, "thresholds": self.thresholds}
        tensors = {"logits": self.logits, "labels": self.labels}
        tensors = {name: rows.contiguous() for name, rows in (tensors | optional).items() if rows is not None}
        for what, texts in (("names", self.names), ("classes", self.classes)):
            tensors[what], tensors[f"{what}_ends"] = pack_texts(texts)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_atomically(path, lambda temporary: save_file(tensors, temporary, metadata=header))

    @classmethod
    def load(cls, path: Path, task: Task | None = None) -> Predictions:
        """Read what `save` wrote; raises `UserError` if the file is missing, damaged or something else.

        `task` is that of the run; by default it is found by its name in the file.
        """
        try:
            with safe_open(os.fspath(path), framework="pt") as file:
                header = file.metadata() or {}
                if "names" in header:
                    raise UserError(
                        f"{path}: written by an earlier version. Remove the file: predictions are then computed "
                        "again if the dataset is available"
                    )
                found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                activation = checked_activation(header["activation"], str(path))
            names, classes = (
                tuple(map(nfc, unpack_texts(found[what], found[f"{what}_ends"]))) for what in ("names", "classes")
            )
            more = {name: found[name] for name in ("hashes", "targets", "thresholds") if name in found}
            task = task or _task_of(header)
            return cls(classes, names, found["labels"], found["logits"], activation=activation, task=task, **more)
        except FileNotFoundError:
            raise UserError(f"{path}: there is no such file") from None
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{path}: damaged, or not predictions of a run ({error})") from None


def _task_of(header: Mapping[str, str]) -> Task:
    if "task" not in header:
        return default_task()
    return validate_saved_component(Task, json.loads(header["task"]), Registry.load())


def image_keys(names: Iterable[str], classes: Iterable[str]) -> Iterator[ImageKey]:
    """Name, true classes and, for an image that is listed repeatedly, a counter."""
    counts: Counter[tuple[str, str]] = Counter()
    for key in zip(names, classes, strict=True):
        yield *key, counts[key]
        counts[key] += 1


def averaged(members: Sequence[Predictions]) -> Predictions:
    """The predictions of an ensemble: the mean of its members' probabilities and thresholds, as logits.

    Members may have the classes in another order: order and labels are those of the first. Lakshminarayanan, Pritzel
    and Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles", 2017.
    """
    first = members[0]
    total = torch.zeros_like(first.probabilities)
    thresholds: list[Tensor] = []
    for member in members:
        if member.names != first.names:
            raise RunFailed("the members of an ensemble could not read the same images")
        for name in ("task", "activation"):
            one, other = (_named(getattr(found, name)) for found in (first, member))
            if one != other:
                raise UserError(f"the members of an ensemble must have the same {name}, not {one} and {other}")
        columns = [member.classes.index(name) for name in first.classes]
        total += member.probabilities[:, columns]
        if member.thresholds is not None:
            thresholds.append(probabilities(member.thresholds[None, columns], member.activation))
    logits = logits_of(total / len(members), first.activation).float()
    if len(thresholds) < len(members):
        return replace(first, logits=logits, thresholds=None)
    mean = torch.cat(thresholds).mean(dim=0, keepdim=True)
    return replace(first, logits=logits, thresholds=logits_of(mean, first.activation)[0])


def _named(value: Task | Activation) -> str:
    return value if isinstance(value, str) else value.name
