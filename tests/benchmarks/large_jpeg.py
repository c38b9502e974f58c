"""Speedup by scaled decoding of large JPEGs, and the difference in pixels.

`python -m tests.benchmarks.large_jpeg` creates a JPEG of 4000×3000 pixels and preprocesses it to 224×224, decoded at
full size and by the scaled decoding of libjpeg-turbo, in turns. It prints both times and the difference of the pixels.
"""

from __future__ import annotations

import io
import statistics
import time

import numpy as np
from PIL import Image

from framework.data.decode import decode
from framework.data.preprocess import Preprocessor

ROUNDS = 9
SIZE = 224


def photograph() -> bytes:
    """A JPEG with structure at every scale, as in photographs: smooth noise, weaker at finer scales."""
    random = np.random.default_rng(0)
    pixels = np.zeros((3000, 4000, 3))
    for cells in (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048):
        noise = random.integers(0, 256, (3 * cells // 4, cells, 3), dtype=np.uint8)
        layer = Image.fromarray(noise).resize((4000, 3000), Image.Resampling.BICUBIC)
        pixels += np.asarray(layer, dtype=float) / cells
    pixels = (pixels - pixels.min()) / (pixels.max() - pixels.min()) * 255
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=90)
    return file.getvalue()


def main() -> None:
    """Measure and print."""
    data = photograph()
    preprocess = Preprocessor(SIZE, SIZE, 3, "crop")
    times: dict[int, list[float]] = {0: [], preprocess.least_side: []}
    images = {}
    for _ in range(ROUNDS):
        for least, measured in times.items():
            started = time.perf_counter()
            images[least] = preprocess(decode(data, least=least or None))
            measured.append(time.perf_counter() - started)
    full, scaled = (statistics.median(measured) * 1e3 for measured in times.values())
    difference = (images[0].int() - images[preprocess.least_side].int()).abs().float()
    print(
        f"4000×3000 to {SIZE}×{SIZE}: {full:.0f} ms decoded at full size, {scaled:.0f} ms with scaled decoding; "
        f"pixels differ by {difference.mean():.2f} of 255 levels on average, {difference.max():.0f} at most"
    )


if __name__ == "__main__":
    main()
