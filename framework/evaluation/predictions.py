"""The predictions of a network for a split: saved with a run; all metrics are computed from them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from framework.components import Activation, Metric
from framework.data.unicode_names import nfc
from framework.errors import RunFailed, UserError
from framework.evaluation.bootstrap import Interval
from framework.evaluation.component_metrics import component_intervals, component_metrics
from framework.evaluation.confusion import Confusion
from framework.evaluation.metrics import classification_metrics
from framework.evaluation.probabilities import checked_activation, confidences, logits_of, probabilities
from framework.evaluation.texts import pack_texts, unpack_texts
from framework.files import replace_atomically

ImageKey = tuple[str, str, int]


@dataclass(frozen=True)
class Predictions:
    """Logits float32 N×K and labels int64 N, with the name of each image and of each class, in their order."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: Tensor
    logits: Tensor
    hashes: Tensor | None = None
    """Int64 N: the `pixel_hash` of each preprocessed image; None in files of earlier versions."""
    activation: Activation = "softmax"
    """What turns logits into probabilities; that of the loss that the network was trained with."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def probabilities(self) -> Tensor:
        """Float64 N×K; each row sums to one if the activation is softmax."""
        return probabilities(self.logits.double(), self.activation)

    @property
    def confidences(self) -> Tensor:
        """Float64 N: the probability of the predicted class."""
        return confidences(self.logits, self.activation)

    @property
    def predicted(self) -> Tensor:
        """Int64 N: the most probable class of each image."""
        return self.logits.argmax(dim=1)

    def metrics(self, more: Sequence[Metric] = ()) -> dict[str, Any]:
        """All metrics, as `classification_metrics` returns them, and the value of each component in `more`."""
        fixed = classification_metrics(self.logits, self.labels, self.classes, self.activation)
        return fixed | component_metrics(more, self.logits, self.labels, self.classes, self.activation)

    def intervals(self, metrics: Sequence[Metric]) -> dict[str, Interval]:
        """The 95 % interval of each metric component by name, by resampling images; without those that have none."""
        return component_intervals(metrics, self.logits, self.labels, self.classes, self.activation)

    def confusion(self) -> Confusion:
        """The confusion matrix."""
        return Confusion.count(self.labels.numpy(), self.predicted.numpy(), self.classes)

    def only(self, chosen: Tensor) -> Predictions:
        """The predictions for some of the images; `chosen` is bool N."""
        names = tuple(compress(self.names, chosen.tolist()))
        hashes = None if self.hashes is None else self.hashes[chosen]
        return replace(self, names=names, labels=self.labels[chosen], logits=self.logits[chosen], hashes=hashes)

    @property
    def keys(self) -> list[ImageKey]:
        """A unique key for each image, the same in every source of the same data: see `image_keys`."""
        return list(image_keys(self.names, (self.classes[label] for label in self.labels.tolist())))

    @property
    def correct(self) -> Tensor:
        """Bool N: whether the most probable class is the true one."""
        return self.predicted == self.labels

    def at_temperature(self, temperature: float) -> Predictions:
        """With logits divided by `temperature`, as calibration does."""
        return replace(self, logits=self.logits / temperature)

    def save(self, path: Path) -> None:
        """Write one safetensors file, atomically. Names are tensors too: see `pack_texts`."""
        header: dict[str, str] = {"activation": self.activation}
        tensors = {"logits": self.logits.contiguous(), "labels": self.labels.contiguous()}
        for what, texts in (("names", self.names), ("classes", self.classes)):
            tensors[what], tensors[f"{what}_ends"] = pack_texts(texts)
        if self.hashes is not None:
            tensors["hashes"] = self.hashes.contiguous()
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_atomically(path, lambda temporary: save_file(tensors, temporary, metadata=header))

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read what `save` wrote; raises `UserError` if the file is missing, damaged or something else."""
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
            return cls(classes, names, found["labels"], found["logits"], found.get("hashes"), activation)
        except FileNotFoundError:
            raise UserError(f"{path}: there is no such file") from None
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"{path}: damaged, or not predictions of a run ({error})") from None


def image_keys(names: Iterable[str], classes: Iterable[str]) -> Iterator[ImageKey]:
    """Name, true class and, for an image that is listed repeatedly, a counter."""
    counts: Counter[tuple[str, str]] = Counter()
    for key in zip(names, classes, strict=True):
        yield *key, counts[key]
        counts[key] += 1


def averaged(members: Sequence[Predictions]) -> Predictions:
    """The predictions of an ensemble: the mean of its members' probabilities, as logits.

    Members may have the classes in another order: order and labels are those of the first. Lakshminarayanan, Pritzel
    and Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles", 2017.
    """
    first = members[0]
    total = torch.zeros_like(first.probabilities)
    for member in members:
        if member.names != first.names:
            raise RunFailed("the members of an ensemble could not read the same images")
        if member.activation != first.activation:
            raise UserError(
                "the members of an ensemble must have the same activation, not "
                f"{first.activation} and {member.activation}"
            )
        total += member.probabilities[:, [member.classes.index(name) for name in first.classes]]
    return replace(first, logits=logits_of(total / len(members), first.activation).float())
