"""Augmented batches without a network: `framework` compared with ImageFolder and a DataLoader, in turns.

`python -m tests.benchmarks.data_path` prints images/s for 48×48 grayscale with the full augmentation of
`tests.benchmarks.bench`. The store is in memory; the images/s of building it are printed separately.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from framework.recipe.sections import Recipe
from framework.training.prepare import prepare_data
from framework.training.session import build_session
from tests.benchmarks.bench import TASKS, Bench, write_images


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(TASKS["speednet-48"], Path(folder), torch.device("cpu"))
        write_images(Path(folder), bench.task)
        recipe = Recipe.model_validate(bench.tree(augment=True), context=bench.registry)
        started = time.perf_counter()
        data = prepare_data(recipe)
        print(f"store built at {bench.task.images / (time.perf_counter() - started):,.0f} images/s")
        batches = build_session(recipe, *data).batches
        rates: dict[str, list[float]] = {"framework": [], "DataLoader, 1 process": [], "DataLoader, 2 workers": []}
        for _ in range(arguments.rounds):
            started = time.perf_counter()
            number = sum(len(images) for step in range(batches.steps_per_epoch) for images, _, _ in batches.at(step))
            rates["framework"].append(number / (time.perf_counter() - started))
            for name, workers in (("DataLoader, 1 process", 0), ("DataLoader, 2 workers", 2)):
                started = time.perf_counter()
                number = sum(len(images) for images, _ in bench.loader(workers))
                rates[name].append(number / (time.perf_counter() - started))
    ours = statistics.median(rates["framework"])
    for name, measured in rates.items():
        middle = statistics.median(measured)
        print(f"{name:24} {middle:9,.0f} images/s, framework is {ours / middle:.1f} times as fast")


if __name__ == "__main__":
    main()
