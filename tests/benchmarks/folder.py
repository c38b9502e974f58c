"""Throughput of `Predictor.predict` on a folder, as in `framework predict`, compared with the bare network.

`python -m tests.benchmarks.folder RUN FOLDER` prints the images/s of both, in turns, in one process, at the same batch
size, and the ratio. The input of the bare network is decoded images in memory. RUN is a run folder or a bundle; without
FOLDER, random PNG files of the size of the network's input are written.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from framework.data.decode import BadImage, quiet_decoding
from framework.data.listing import Listing
from framework.inference.predictor import Predictor


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("folder", metavar="FOLDER", nargs="?")
    parser.add_argument("--images", type=int, default=3589, help="maximum number of images (default: 3589)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    predictor = Predictor.open(arguments.run, device=arguments.device)
    with tempfile.TemporaryDirectory() as drawn:
        folder = arguments.folder or drawn
        if arguments.folder is None:
            _draw(Path(drawn), predictor, arguments.images)
        files = [file for file in Listing().at(folder) if not isinstance(file, BadImage)][: arguments.images]
        with quiet_decoding():
            batches = torch.stack([predictor.read(file) for file in files]).split(predictor.batch_size)
        rates: dict[str, list[float]] = {"folder": [], "bare network": []}
        _bare(predictor, batches[:2])
        for _ in range(arguments.rounds):
            rates["folder"].append(len(files) / _seconds(_folder, predictor, files))
            rates["bare network"].append(len(files) / _seconds(_bare, predictor, batches))
    middle = {name: statistics.median(measured) for name, measured in rates.items()}
    for name, rate in middle.items():
        print(f"{name:>14}  {rate:9,.0f} images/s  ({min(rates[name]):,.0f} to {max(rates[name]):,.0f})")
    print(
        f"{len(files):,} images, batches of {predictor.batch_size}, {predictor.device}: the folder has "
        f"{middle['folder'] / middle['bare network']:.2f} of the rate of the bare network"
    )


def _folder(predictor: Predictor, files: Iterable[str]) -> None:
    for prediction in predictor.predict(files):
        assert prediction.error is None, prediction


def _bare(predictor: Predictor, batches: Iterable[torch.Tensor]) -> None:
    for batch in batches:
        predictor.probabilities(batch)


def _seconds(work: object, *given: object) -> float:
    started = time.perf_counter()
    work(*given)  # type: ignore[operator]
    return time.perf_counter() - started


def _draw(folder: Path, predictor: Predictor, number: int) -> None:
    random = np.random.default_rng(0)
    seen = predictor.preprocess
    for index in range(number):
        coarse = random.integers(0, 256, (8, 8, seen.channels), dtype=np.uint8).squeeze()
        image = Image.fromarray(coarse).resize((seen.width, seen.height), Image.Resampling.BICUBIC)
        image.save(folder / f"{index:06}.png")


if __name__ == "__main__":
    main()
