"""FER-2013: the dataset of the 2013 facial expression recognition challenge (Goodfellow et al., 2013)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from framework import Dataset, ImageSource, hookimpl
from framework.components import Component


class Fer2013(Dataset):
    """FER-2013: 35,887 faces in grayscale at 48×48 with seven emotions (Goodfellow et al., 2013).

    Reads folders of images (`ROOT/train/CLASS/*.jpg`, `ROOT/test/CLASS/*.jpg`) or the original `fer2013.csv`. The
    official splits `public_test` and `private_test` are available in addition to `train` and `test` if file names or
    the column `Usage` define them.
    """

    name = "fer2013"
    root: Path = Path("data/fer2013")
    """The folder or the CSV file; a relative path is also searched under `$FRAMEWORK_DATA`."""
    test_usage: Literal["auto", "PublicTest", "PrivateTest", "both"] = "auto"
    """The official split to use as `test`: `auto` is PrivateTest, the published test set, or PublicTest if there is no
    PrivateTest; `both` merges the two."""

    def build(self) -> Mapping[str, ImageSource]:
        """The splits `train`, `test`, and `public_test` and `private_test` if available."""
        from framework_fer2013._read import read_fer2013

        return read_fer2013(self.root, self.test_usage)

    def fetch(self) -> Path:
        """Download `msambare/fer2013`, folders of images, from Kaggle into `root`."""
        from framework_fer2013._fetch import fetch_from_kaggle

        return fetch_from_kaggle(self.root)


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [Fer2013]


@hookimpl
def bundles() -> Mapping[str, Path]:
    """`fer2013/compact`: trained with recipe `fer2013_compact`, seed 0; weights in half precision."""
    return {"compact": Path(__file__).parent / "compact.safetensors"}
