"""What one reading of all images finds out about them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.data.decode import BadImage
from framework.data.depth import DeepValues

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from framework.data.stores.reading import Chunk


@dataclass(frozen=True)
class Survey:
    """Of all images of a source, brought to one size."""

    bad: dict[int, str]
    """Why an image cannot be used, by its place in the source."""
    counts: Tensor
    """How many pixels of the others have each level: int64 C×256."""
    digest: str
    """SHA-256 of the pixels of the others, in their order."""
    hashes: NDArray[np.int64]
    """The `pixel_hash` of each of the others: what is there twice has the same one."""
    cut_away: float = 0.0
    """The fraction of an image that `fit` leaves out, on average."""
    deep: DeepValues = field(default_factory=DeepValues)
    """The values of images with more than 8 bits a sample."""

    def good(self, total: int) -> list[int]:
        """The places of the images that can be used, out of so many."""
        return [index for index in range(total) if index not in self.bad] if self.bad else list(range(total))

    def bad_images(self, names: Sequence[str]) -> tuple[BadImage, ...]:
        """Those that cannot be used, with their names."""
        return tuple(BadImage(names[index], reason) for index, reason in self.bad.items())

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "bad": list(self.bad.items()),
            "counts": self.counts.tolist(),
            "digest": self.digest,
            "hashes": _text(self.hashes),
            "cut_away": self.cut_away,
            "deep": asdict(self.deep),
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Survey:
        """From what `as_dict` gave."""
        bad = {int(index): str(reason) for index, reason in saved["bad"]}
        counts, hashes = torch.tensor(saved["counts"], dtype=torch.int64), _numbers(saved["hashes"])
        deep = DeepValues(**saved["deep"])
        return cls(bad, counts, str(saved["digest"]), hashes, float(saved["cut_away"]), deep)


class Surveyor:
    """Makes the survey, chunk by chunk, in the order of the source."""

    def __init__(self, channels: int) -> None:
        self.bad: dict[int, str] = {}
        self.counts = torch.zeros(channels, 256, dtype=torch.int64)
        self._digest = hashlib.sha256()
        self._hashes: list[NDArray[np.int64]] = []
        self._cut_away = 0.0
        self._deep = DeepValues()

    def add(self, chunk: Chunk) -> None:
        """The next images."""
        self.bad.update(chunk.bad)
        self.counts += chunk.counts
        pixels: Any = chunk.images.numpy()  # a buffer, read without copying
        self._digest.update(pixels)
        self._hashes.append(chunk.hashes)
        self._cut_away += chunk.cut_away
        self._deep.add(chunk.deep)

    def survey(self) -> Survey:
        """When all were added."""
        hashes = np.concatenate(self._hashes)
        cut_away = self._cut_away / max(1, len(hashes))
        return Survey(self.bad, self.counts, self._digest.hexdigest(), hashes, cut_away, self._deep)


def _text(numbers: NDArray[np.int64]) -> str:
    """As JSON takes them: eleven letters each rather than up to twenty."""
    return base64.b64encode(numbers.astype("<i8").tobytes()).decode()


def _numbers(text: str) -> NDArray[np.int64]:
    return np.frombuffer(base64.b64decode(text), dtype="<i8").astype(np.int64)
