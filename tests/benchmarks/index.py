"""How long it takes to index a folder of images: to list it, and to ask each file whether it has changed.

`python -m tests.benchmarks.index --files 1000000` makes a tree of that many hard links to a few files, in a temporary
folder, and prints the seconds of every phase of a start that finds a kept store. No image is read.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from framework.components import Dataset
from framework.data.preprocess import Preprocessor
from framework.data.splits import build_splits
from framework.data.stamps import stamps_of
from framework.data.stores.cache import identity
from framework.data.trees import class_tree
from framework.recipe.loading import validate_component
from framework.registry import Registry

LINKS = 60_000
"""To one file: ext4 allows 65,000."""
CLASSES = 100


def main() -> None:
    """Make the tree, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "images"
        with timed("making the tree"):
            make_tree(root, Path(folder), arguments.files)
        with timed("class_tree"):
            source = class_tree(root)
        with timed("names"):
            assert len(source.names) == arguments.files
        with timed("stamps"):
            stamps = stamps_of(source, range(len(source)))
        assert stamps is not None
        with timed("identity"):
            identity(source, Preprocessor(224, 224, 3, "crop"), stamps, streams=False)
        dataset = validate_component(Dataset, "folder", Registry.load(), [f"root={root}"])
        with timed("all splits of the dataset 'folder'"):
            splits = build_splits(dataset)
        with timed("their stamps"):
            for split in splits.values():
                stamps_of(split, range(len(split)))


def make_tree(root: Path, beside: Path, number: int) -> None:
    """`number` links in folders of classes."""
    for label in range(CLASSES):
        (root / f"class{label:03}").mkdir(parents=True)
    for index in range(number):
        original = beside / f"original{index // LINKS}"
        if index % LINKS == 0:
            original.write_bytes(b"\0")
        os.link(original, f"{root}/class{index % CLASSES:03}/{index:08}.jpg")


@contextmanager
def timed(what: str, say: Callable[[str], None] = print) -> Iterator[None]:
    """Print how long the block took."""
    started = time.perf_counter()
    yield
    say(f"{time.perf_counter() - started:8.2f} s  {what}")


if __name__ == "__main__":
    main()
