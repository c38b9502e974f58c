"""What a network said of every image of a split: kept with a run, and what all figures are made from."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from framework.data.unicode_names import nfc
from framework.errors import RunFailed, UserError
from framework.evaluation.metrics import classification_metrics
from framework.files import replace_atomically

if TYPE_CHECKING:
    from torch import Tensor


ImageKey = tuple[str, str, int]


@dataclass(frozen=True)
class Answers:
    """Logits float32 N×K and labels int64 N, with the name of each image and of each class, in their order."""

    classes: tuple[str, ...]
    names: tuple[str, ...]
    labels: Tensor
    logits: Tensor
    hashes: Tensor | None = None
    """Int64 N: the `pixel_hash` of each image as the network saw it; None in what earlier versions kept."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def probabilities(self) -> Tensor:
        """Float64 N×K; each row sums to one."""
        return self.logits.double().softmax(dim=1)

    def figures(self) -> dict[str, Any]:
        """Every figure, as `classification_metrics` names them."""
        return classification_metrics(self.logits, self.labels, self.classes)

    def only(self, chosen: Tensor) -> Answers:
        """Those of some of the images; `chosen` is bool N."""
        names = tuple(name for name, wanted in zip(self.names, chosen.tolist(), strict=True) if wanted)
        hashes = None if self.hashes is None else self.hashes[chosen]
        return Answers(self.classes, names, self.labels[chosen], self.logits[chosen], hashes)

    @property
    def keys(self) -> list[ImageKey]:
        """What tells each image from all others, in any answers and any source of the same data: see `image_keys`."""
        return list(image_keys(self.names, (self.classes[label] for label in self.labels.tolist())))

    @property
    def hits(self) -> Tensor:
        """Bool N: whether the most probable class is the true one."""
        return self.logits.argmax(dim=1) == self.labels

    def at_temperature(self, temperature: float) -> Answers:
        """With all logits divided by `temperature`, as calibration does."""
        return replace(self, logits=self.logits / temperature)

    def save(self, path: Path) -> None:
        """Write one safetensors file, whole or not at all: tensors, and names in its header."""
        header = {"classes": json.dumps(self.classes), "names": json.dumps(self.names)}
        tensors = {"logits": self.logits.contiguous(), "labels": self.labels.contiguous()}
        if self.hashes is not None:
            tensors["hashes"] = self.hashes.contiguous()
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_atomically(path, lambda temporary: save_file(tensors, temporary, metadata=header))

    @classmethod
    def load(cls, path: Path) -> Answers:
        """Read what `save` wrote; raises `UserError` for a file that is missing or another."""
        try:
            with safe_open(os.fspath(path), framework="pt") as file:
                header = file.metadata()
                names = tuple(map(nfc, json.loads(header["names"])))
                classes = tuple(map(nfc, json.loads(header["classes"])))
                hashes = file.get_tensor("hashes") if "hashes" in file.keys() else None  # noqa: SIM118
                return cls(classes, names, file.get_tensor("labels"), file.get_tensor("logits"), hashes)
        except FileNotFoundError:
            raise UserError(f"{path}: there is no such file") from None
        except Exception as error:
            raise UserError(f"{path}: damaged, or no answers of a run ({error})") from None


def image_keys(names: Iterable[str], classes: Iterable[str]) -> Iterator[ImageKey]:
    """Name and true class of each image; one that is listed twice is told apart by how often it came before."""
    seen: Counter[tuple[str, str]] = Counter()
    for key in zip(names, classes, strict=True):
        yield *key, seen[key]
        seen[key] += 1


def averaged(members: Sequence[Answers]) -> Answers:
    """The answers of an ensemble: the mean of its members' probabilities, as logits.

    Members may know the classes in another order: the first one's is kept, and its labels are. Lakshminarayanan,
    Pritzel and Blundell, "Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles", 2017.
    """
    first = members[0]
    total = torch.zeros_like(first.probabilities)
    for member in members:
        if member.names != first.names:
            raise RunFailed("the runs of an ensemble could not read the same images")
        total += member.probabilities[:, [member.classes.index(name) for name in first.classes]]
    mean = (total / len(members)).clamp(min=torch.finfo(torch.float64).tiny)
    return replace(first, logits=mean.log().float())
