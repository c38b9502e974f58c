"""Multi-label training compared with one binary network per label: CIFAR-10 with attributes of its classes.

`python -m tests.benchmarks.multi_label DIR` reads `DIR/train/CLASS/*.jpg`. Each class has some of six attributes, so
that labels are correlated and uneven. One network is trained with the task `multi_label`, and for each attribute a
binary network with `single_label`, on the same images, with the same recipe and number of steps each, so that the
binary networks take six times as long together. It prints the average precision on held-out images, and writes JSON
with `--out`.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import framework
from framework.evaluation.average_precision import AveragePrecision

ATTRIBUTES = {
    "animal": {"bird", "cat", "deer", "dog", "frog", "horse"},
    "pet": {"cat", "dog"},
    "flies": {"airplane", "bird"},
    "wheels": {"airplane", "automobile", "truck"},
    "hoofs": {"deer", "horse"},
    "water": {"ship", "frog"},
}
HELD_OUT = 300
"""Images of each class."""


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of CIFAR-10")
    parser.add_argument("--images", type=int, default=1500, help="training images of each class (default: 1500)")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, help="file for the results")
    arguments = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, "attributes.csv")
        write_table(table, arguments.data, arguments.images)
        for seed in arguments.seeds:
            found.append(compared(table, Path(folder, f"runs-{seed}"), arguments.epochs, seed))
            print(json.dumps(found[-1]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps({"images": arguments.images, "seeds": found}, indent=2) + "\n")
    gaps = [100 * (one["multi_label"]["map"] - one["binary"]["map"]) for one in found]
    print(f"mAP of multi_label minus that of binary networks: {np.mean(gaps):+.2f} points ({min(gaps):+.2f} to "
          f"{max(gaps):+.2f})")  # fmt: skip


def write_table(table: Path, data: Path, images: int) -> None:
    """A CSV file with a path, a split, a column for each attribute, and a column of yes and no for each."""
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "split", *ATTRIBUTES, *(f"is_{name}" for name in ATTRIBUTES)])
        for folder in sorted((data / "train").iterdir()):
            has = [folder.name in classes for classes in ATTRIBUTES.values()]
            for index, path in enumerate(sorted(folder.iterdir())[: HELD_OUT + images]):
                split = "test" if index < HELD_OUT else "train"
                writer.writerow([path.resolve(), split, *map(int, has), *("yes" if one else "no" for one in has)])


def compared(table: Path, runs: Path, epochs: int, seed: int) -> dict[str, Any]:
    """The average precisions of both ways."""
    several = trained(table, runs / "multi_label", epochs, seed, task="multi_label", loss="bce",
                      **{"dataset.label_columns": list(ATTRIBUTES)})  # fmt: skip
    metrics = several.metrics["test"]
    multi_label = {name: metrics["per_class"][name]["average_precision"] for name in ATTRIBUTES}
    binary = {name: of_binary(table, runs / name, epochs, seed, name) for name in ATTRIBUTES}
    return {
        "seed": seed,
        "multi_label": {"map": metrics["map"], **multi_label},
        "binary": {"map": float(np.mean(list(binary.values()))), **binary},
    }


def of_binary(table: Path, out: Path, epochs: int, seed: int, name: str) -> float:
    """The average precision of a network for one attribute, by its definition."""
    options = {"dataset.label_column": f"is_{name}", "dataset.classes": ["no", "yes"]}
    predictions = trained(table, out, epochs, seed, loss="cross_entropy", **options).predictions("test")
    positive = (predictions.labels == 1)[:, None].numpy()
    return float(AveragePrecision(predictions.probabilities[:, [1]].numpy(), positive).of_classes()[0])


def trained(table: Path, out: Path, epochs: int, seed: int, **options: Any) -> framework.Run:
    """A run of the recipe `cifar10_fast` with a smaller network."""
    common: dict[str, Any] = {
        "seed": seed,
        "dataset": {"name": "csv", "file": str(table), "split_column": "split", "validation": 0},
        "model.widths": [32, 96, 128],
        "train.epochs": epochs,
        "evaluate.tta": 1,
        "train.recalibrate_bn": 10,
    }
    loss = {"loss": {"name": options.pop("loss")}}
    return framework.train("cifar10_fast", out=out, progress=False, **common, **loss, **options)


if __name__ == "__main__":
    main()
