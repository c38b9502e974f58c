"""Time to index a folder of images: to list it, and to detect changed files.

`python -m tests.benchmarks.index --files 1000000` creates that many hard links to a few files in a temporary folder,
and prints the seconds of each phase of a start with a cached store. No image is decoded. With `--small` there are no
links, but files of that many bytes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework.components import Dataset
from framework.data.folders import class_tree
from framework.data.preprocess import Preprocessor
from framework.data.splits import build_splits
from framework.data.stamps import SETTLED, stamps_of
from framework.data.stores.contents import Contents
from framework.recipe.loading import validate_component
from framework.registry import Registry

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINKS = 60_000
"""Hard links to one file; ext4 allows 65,000."""
CLASSES = 100


def main() -> None:
    """Create the files, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=0, help="bytes of each file (default: hard links)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "images"
        with timed("create the files"):
            make_tree(root, Path(folder), arguments.files, arguments.small)
        time.sleep(SETTLED / 1e9)  # younger files are read to detect changes
        with timed("class_tree"):
            source = class_tree(root)
        with timed("names"):
            assert len(source.names) == arguments.files
        with timed("size and modification time of each file"):
            size_and_time(source.paths)
        with timed("stamps"):
            stamps_of(source, range(len(source)))
        preprocess = Preprocessor(224, 224, 3, "crop")
        with timed("stamps, and digests of all contents, as for a moved dataset"):
            contents = Contents.of(source, preprocess, Path(folder))
            assert contents is not None
            contents.all()
        contents.save()
        with timed("stamps, and digests that are known"):
            known = Contents.of(source, preprocess, Path(folder))
            assert known is not None
            known.all()
        dataset = validate_component(Dataset, "folder", Registry.load(), [f"root={root}"])
        with timed("all splits of the dataset 'folder'"):
            splits = build_splits(dataset)
        with timed("their stamps"):
            for split in splits.values():
                stamps_of(split, range(len(split)))


def size_and_time(paths: Sequence[str | Path]) -> NDArray[np.int64]:
    """Size and modification time of each file, int64 N×2, for comparison with stamps."""
    found = [os.stat(path) for path in paths]  # noqa: PTH116
    return np.array([(one.st_size, one.st_mtime_ns) for one in found], dtype=np.int64)


def make_tree(root: Path, beside: Path, number: int, size: int = 0) -> None:
    """Create `number` links, or files of `size` bytes, in class folders."""
    for label in range(CLASSES):
        (root / f"class{label:03}").mkdir(parents=True)
    for index in range(number):
        if size:
            Path(f"{root}/class{index % CLASSES:03}/{index:08}.jpg").write_bytes(os.urandom(size))
            continue
        original = beside / f"original{index // LINKS}"
        if index % LINKS == 0:
            original.write_bytes(b"\0")
        os.link(original, f"{root}/class{index % CLASSES:03}/{index:08}.jpg")


@contextmanager
def timed(what: str, say: Callable[[str], None] = print) -> Iterator[None]:
    """Print the seconds of the block."""
    started = time.perf_counter()
    yield
    say(f"{time.perf_counter() - started:8.2f} s  {what}")


if __name__ == "__main__":
    main()
