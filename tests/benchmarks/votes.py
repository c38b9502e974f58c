"""Whether training on votes is better than training on their majority, with the same images and seeds.

Images of drawn faces are written to files; simulated annotators vote for each, with a known confusion. A network is
trained on the votes and another on the most frequent class, for each seed; both are evaluated on the true classes of
other images. `python -m tests.benchmarks.votes --images 4000 --epochs 12 --seeds 3`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from framework_drawn._draw import CLASSES, draw_faces, simulate_votes
from PIL import Image

import framework
from framework.evaluation.paired import paired

VOTERS = 3


def write_images(folder: Path, number: int, seed: int, difficulty: float) -> np.ndarray:
    """Write `CLASS/NUMBER.png`, and return the true labels."""
    images, labels = draw_faces(number, seed, difficulty)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / CLASSES[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).save(folder / CLASSES[label] / f"{index:05}.png")
    return labels


def write_tables(folder: Path, labels: np.ndarray, seed: int) -> None:
    """`votes.csv` and `majority.csv`."""
    votes = simulate_votes(labels, VOTERS, seed)
    names = [f"train/{CLASSES[label]}/{index:05}.png" for index, label in enumerate(labels)]
    rows = [f"{name},{','.join(map(str, row))}" for name, row in zip(names, votes.tolist(), strict=True)]
    (folder / "votes.csv").write_text("\n".join([f"path,{','.join(CLASSES)}", *rows]) + "\n")
    rows = [f"{name},{CLASSES[label]}" for name, label in zip(names, votes.argmax(1), strict=True)]
    (folder / "majority.csv").write_text("\n".join(["path,label", *rows]) + "\n")


def main() -> None:
    """Train, and print the accuracy of both for each seed with McNemar's test, and over all seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--difficulty", type=float, default=0.8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, differences = Path(name), []
        write_tables(folder, write_images(folder / "train", arguments.images, 0, arguments.difficulty), 0)
        write_images(folder / "test", 2000, 1, arguments.difficulty)
        for seed in range(arguments.seeds):
            found = {}
            for kind, labels in (("majority", {}), ("votes", {"label_columns": list(CLASSES)})):
                dataset = {"name": "csv", "file": str(folder / f"{kind}.csv"), "channels": 1, **labels}
                options = {
                    "dataset": dataset,
                    "train.epochs": arguments.epochs,
                    "loss.label_smoothing": 0.0,
                    "seed": seed,
                }
                run = framework.train("drawn_faces", out=folder / f"{kind}-{seed}", progress=False, **options)
                found[kind] = framework.evaluate(run, folder / "test", progress=False).predictions
            compared = paired(found["majority"], found["votes"])
            differences.append(compared.difference)
            print(
                f"seed {seed}: majority {100 * compared.first_accuracy:.1f} %, votes "
                f"{100 * compared.other_accuracy:.1f} %, p = {compared.p:.2g}, "
                f"loss {found['majority'].metrics()['loss']:.3f} and "
                f"{found['votes'].metrics()['loss']:.3f}",
                flush=True,
            )
        mean, error = np.mean(differences), np.std(differences, ddof=1) / len(differences) ** 0.5
        print(f"votes less majority: {100 * mean:+.2f} ± {100 * error:.2f} points over {arguments.seeds} seeds")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
