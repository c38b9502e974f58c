"""Attributes of CIFAR-10 as several labels per image, beside one binary network for each attribute.

`python -m tests.benchmarks.multi_label data/cifar10/train --epochs 6`: the folder has one folder of images for each
class. Labels follow from the class, so that they are correlated and uneven. Every binary network is trained as long as
the one network for all labels; mAP is that of held-out images, the same for all.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

import framework
from framework.data.stratification import stratified
from framework.evaluation.average_precision import AveragePrecision

ATTRIBUTES = {
    "animal": "bird cat deer dog frog horse",
    "vehicle": "airplane automobile ship truck",
    "flies": "airplane bird",
    "wheels": "airplane automobile truck",
    "hoofs": "deer horse",
    "pet": "cat dog",
    "swims": "frog ship",
    "road": "automobile truck",
}


def write_table(file: Path, root: Path) -> None:
    """A row for each image: path, split, a column of 0 and 1 and one of yes and no for each attribute."""
    images = sorted(path.relative_to(root) for path in root.glob("*/*") if path.is_file())
    classes = [image.parts[0] for image in images]
    parts = stratified([str(image) for image in images], classes, {"test": 0.1, "validation": 0.05}, 0)
    split = {index: name for name, indices in parts.items() for index in indices}
    lines = [",".join(["path", "split", *ATTRIBUTES, *(f"is_{name}" for name in ATTRIBUTES)])]
    for index, (image, name) in enumerate(zip(images, classes, strict=True)):
        has = [name in members.split() for members in ATTRIBUTES.values()]
        numbers, words = [str(int(value)) for value in has], ["yes" if value else "no" for value in has]
        lines.append(",".join([str(image), split[index], *numbers, *words]))
    file.write_text("\n".join(lines) + "\n")


def average_precision(predictions: framework.Predictions, column: int) -> float:
    """Of a column of the logits against class `column` of the labels."""
    labels = predictions.labels if predictions.labels.ndim == 2 else torch.eye(2).long()[predictions.labels]
    scores = predictions.probabilities.log()[:, [column]].numpy()
    return float(AveragePrecision(scores, labels[:, [column]].numpy()).of_classes()[0])


def main() -> None:
    """Train all networks and print the average precision of each attribute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--epochs", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, table = Path(name), Path(name) / "attributes.csv"
        write_table(table, arguments.root)
        csv = {"name": "csv", "file": str(table), "root": str(arguments.root.resolve()), "split_column": "split"}
        options = {"train.epochs": arguments.epochs, "evaluate.tta": 1, "loss": "bce"}

        def trained(out: str, **more: object) -> tuple[framework.Predictions, float]:
            start = time.perf_counter()
            run = framework.train("cifar10_fast", out=folder / out, progress=False, **options, **more)
            return run.predictions("test"), time.perf_counter() - start

        several, seconds = trained("several", task="multi_label", dataset={**csv, "label_columns": list(ATTRIBUTES)})
        print(f"all labels: {seconds:.0f} s", flush=True)
        both = []
        for column, attribute in enumerate(ATTRIBUTES):
            single, seconds = trained(attribute, dataset={**csv, "label_column": f"is_{attribute}"})
            both.append([average_precision(several, column), average_precision(single, 1)])
            print(
                f"{attribute:>10}: {100 * both[-1][0]:.2f} %, alone {100 * both[-1][1]:.2f} %, {seconds:.0f} s",
                flush=True,
            )
        one, other = 100 * np.mean(both, axis=0)
        print(
            f"mAP of one network {one:.2f} %, of {len(both)} binary networks {other:.2f} %: {one - other:+.2f} points"
        )


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
