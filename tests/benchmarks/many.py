"""Many classes and many images: seconds, and bytes of the output.

    python -m tests.benchmarks.many

First the saved logits of 2,000,000 images with names of 60 characters, in ten classes. Then every command, each in a
separate process, on a dataset of 10,000 classes of four images, with a small network.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from framework.evaluation.metric_intervals import metric_intervals
from framework.evaluation.paired import paired
from framework.evaluation.predictions import Predictions

RECIPE = """
dataset: {{name: folder, root: {root}, test: 0.25, validation: 0.25}}
preprocess: {{size: 16, channels: 1}}
model: {{name: speednet, widths: [16, 32, 32]}}
train: {{epochs: 1, batch_size: 256, device: cpu}}
"""


@contextmanager
def timed(what):
    """Print the seconds of the block; the yielded function adds to the line."""
    notes = []
    begin = time.perf_counter()
    yield notes.append
    print(f"{what:<42} {time.perf_counter() - begin:7.1f} s  {', '.join(notes)}", flush=True)


def megabytes(number):
    return f"{number / 1e6:,.1f} MB"


def header_of(file):
    with file.open("rb") as opened:
        return int.from_bytes(opened.read(8), "little")


def many_names(number, folder):
    generator = torch.Generator().manual_seed(0)
    names = tuple(f"train/a/folder/with/a/long/name/of/forty/letters/{index:08}.jpg" for index in range(number))
    labels = torch.randint(0, 10, (number,), generator=generator)
    logits = torch.randn(number, 10, generator=generator)
    logits[torch.arange(number), labels] += 2
    predictions = Predictions(tuple("abcdefghij"), names, labels, logits)
    file = folder / "test.safetensors"
    print(f"{number:,} names")
    with timed("save") as say:
        predictions.save(file)
        say(f"{megabytes(file.stat().st_size)}, header {header_of(file):,} bytes")
    with timed("load"):
        read = Predictions.load(file)
    assert read.names == names
    with timed("metrics"):
        read.metrics()
    with timed("intervals"):
        metric_intervals(read)
    with timed("compare with itself"):
        paired(read, read)


def many_classes(number, folder):
    random = np.random.default_rng(0)
    for index in range(number):
        place = folder / "photos" / f"class {index:05}"
        place.mkdir(parents=True)
        for image in range(4):
            Image.fromarray(random.integers(0, 255, (16, 16), dtype=np.uint8)).save(place / f"{image}.bmp")
    (folder / "recipe.yaml").write_text(RECIPE.format(root=folder / "photos"))
    run, bundle = folder / "run", folder / "run.safetensors"
    print(f"{number:,} classes of 4 images")
    with timed("framework run, one epoch") as say:
        command("run", folder / "recipe.yaml", "--out", run)
        longest = max(map(len, (run / "metrics.jsonl").read_text().splitlines()))
        say(f"results.json {megabytes((run / 'results.json').stat().st_size)}")
        say(f"longest line of metrics.jsonl {longest:,} bytes")
        say(f"largest header of a checkpoint {max(map(header_of, run.glob('checkpoints/*'))):,} bytes")
        say(f"saved logits of test {megabytes((run / 'predictions' / 'test.safetensors').stat().st_size)}")
    with timed("framework evaluate --json") as say:
        output = command("evaluate", run, "--json")
        say(f"{megabytes(len(output))}, {len(json.loads(output)['confusion']):,} cells of the confusion matrix")
    with timed("framework report") as say:
        command("report", run)
        say(megabytes((run / "report.html").stat().st_size))
    with timed("framework bundle") as say:
        command("bundle", run)
        say(f"{megabytes(bundle.stat().st_size)}, header {megabytes(header_of(bundle))}")
    with timed("framework predict BUNDLE, one image"):
        command("predict", bundle, folder / "photos" / "class 00000" / "0.bmp")


def command(*arguments):
    done = subprocess.run([sys.executable, "-m", "framework", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", type=int, default=2_000_000)
    parser.add_argument("--classes", type=int, default=10_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        many_names(chosen.names, Path(folder))
        many_classes(chosen.classes, Path(folder))


if __name__ == "__main__":
    main()
