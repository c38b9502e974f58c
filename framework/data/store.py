"""Every image of a split, decoded once, as one uint8 tensor."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from framework.data.contract import read_image
from framework.data.decode import BadImage, quiet_decoding
from framework.errors import UserError, count

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor

SHOWN_BAD_IMAGES = 20
CHUNK = 64
"""Images that a thread reads before it reports."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Store:
    """Images uint8 N×C×H×W at the network's size, labels int64 N, and the name of each image."""

    images: Tensor
    labels: Tensor
    names: tuple[str, ...]
    classes: tuple[str, ...]
    skipped: tuple[BadImage, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def class_counts(self) -> dict[str, int]:
        """Images of each class, in the order of the labels."""
        counts = torch.bincount(self.labels, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))

    def spread(self, number: int) -> Tensor:
        """Up to so many images, evenly spread over all: sources are sorted by class, as a rule."""
        return self.images[:: -(-len(self) // number)]

    def fingerprint(self) -> str:
        """SHA-256 over pixels, their shape, labels, class names and image names."""
        words = [list(self.images.shape), self.classes, self.names]
        digest = hashlib.sha256(json.dumps(words).encode())
        for tensor in (self.images, self.labels):
            pixels: Any = tensor.numpy()  # a buffer, read without copying
            digest.update(pixels)
        return digest.hexdigest()


def build_store(
    source: ImageSource,
    preprocess: Preprocessor,
    on_bad_image: str = "error",
    progress: Progress | None = None,
) -> Store:
    """Decode and resize every image of the source, in threads.

    Images that cannot be read are all collected; then it raises `UserError` with their list, or with `on_bad_image`
    "skip" leaves them out and keeps the list in `skipped`; none that can be read is an error either way. A source that
    breaks its contract is a `UserError` at once. `progress(done, total)` is called after every few images.
    """
    total, names = len(source), source.names
    images = _allocate((total, preprocess.channels, preprocess.height, preprocess.width))

    def fill(indices: range) -> list[tuple[int, BadImage]]:
        bad = []
        for index in indices:
            try:
                images[index] = preprocess(read_image(source, index, names[index]))
            except BadImage as error:
                bad.append((index, BadImage(names[index], error.reason)))
        return bad

    bad: dict[int, BadImage] = {}
    chunks = [range(start, min(start + CHUNK, total)) for start in range(0, total, CHUNK)]
    # In threads, for decoders and file systems let go of the interpreter while they work.
    with quiet_decoding(), ThreadPoolExecutor(os.cpu_count()) as threads:
        for chunk, found in zip(chunks, threads.map(fill, chunks), strict=True):
            bad.update(found)
            if progress:
                progress(chunk.stop, total)
    if bad and (on_bad_image == "error" or len(bad) == total):
        raise UserError(_bad_images_message(list(bad.values()), total))
    kept = [index for index in range(total) if index not in bad]
    for position, index in enumerate(kept):
        if position != index:  # in place: a copy would double the memory
            images[position] = images[index]
    labels = torch.tensor([source.labels[index] for index in kept], dtype=torch.int64)
    return Store(
        images[: len(kept)], labels, tuple(names[index] for index in kept), tuple(source.classes), tuple(bad.values())
    )


def _allocate(shape: tuple[int, int, int, int]) -> Tensor:
    number, *image = shape
    needed = number * image[0] * image[1] * image[2]
    available = _available_memory()
    if available is not None and needed > 0.8 * available:
        raise UserError(
            f"{count(number, 'image')} of {image[0]}×{image[1]}×{image[2]} bytes need {needed / 1e9:.1f} GB of memory; "
            f"{available / 1e9:.1f} GB are free. Choose a smaller preprocess.size"
        )
    return torch.empty(shape, dtype=torch.uint8)


def _available_memory() -> int | None:
    """Bytes that can be had without swapping, where the system says."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123 (a kernel file)
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _bad_images_message(bad: list[BadImage], total: int) -> str:
    lines = [f"    {error.name}: {error.reason}" for error in bad[:SHOWN_BAD_IMAGES]]
    if len(bad) > SHOWN_BAD_IMAGES:
        lines.append(f"    … and {len(bad) - SHOWN_BAD_IMAGES:,} more")
    lines.append(
        "Mend or remove them" + ("" if len(bad) == total else ", or go on without them: dataset.on_bad_image=skip")
    )
    return "\n".join([f"{len(bad):,} of {count(total, 'image')} cannot be used:", *lines])
