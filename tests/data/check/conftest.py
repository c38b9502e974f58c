"""A data set of random pictures in files, and what can be wrong with one."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture():
    """Random shapes, 48×48 and gray; another for each seed."""

    def draw(seed):
        coarse = np.random.default_rng(seed).integers(0, 256, (12, 12), dtype=np.uint8)
        return Image.fromarray(coarse).resize((48, 48), Image.Resampling.BICUBIC)

    return draw


@pytest.fixture
def pictures(tmp_path, picture):
    """`ROOT/train` and `ROOT/test` with two classes, 20 and 5 different pictures of each."""
    root = tmp_path / "pictures"
    for seed, (split, name, index) in enumerate(
        (split, name, index)
        for split, number in (("train", 20), ("test", 5))
        for name in ("cat", "dog")
        for index in range(number)
    ):
        folder = root / split / name
        folder.mkdir(parents=True, exist_ok=True)
        picture(seed).save(folder / f"{index:02}.png")
    return root
