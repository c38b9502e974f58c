"""A short run, trained once, with names that need escaping."""

import os
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

STRANGER = Path(__file__).parents[1] / "stranger"
SCRIPT = "<script>alert(1)<|script>"
"""A class; a folder name cannot contain a slash."""
RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.3, validation: 0.25}
preprocess: {size: 12, channels: 3}
model: tinynet
optimizer: {name: adamw, lr: 0.002}
train: {epochs: 3, batch_size: 8, device: cpu, log_every: 2}
"""


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, file):
        super().__init__()
        self.elements, self.words, self.hidden = [], [], 0
        self.source = file.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.hidden += tag == "style"

    def handle_endtag(self, tag):
        self.hidden -= tag == "style"

    def handle_data(self, data):
        if not self.hidden:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).replace("\N{NO-BREAK SPACE}", " ").split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def page():
    return Page


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder with the images in `photos`, the recipe, and two runs in `run` and `other`; read-only."""
    from framework.cli import main

    place = tmp_path_factory.mktemp("made")
    random = np.random.default_rng(0)
    for name, channel in (("blue", 2), (SCRIPT, 0), ("green & 'grey'", 1)):
        (place / "photos" / name).mkdir(parents=True)
        for index in range(24):
            pixels = random.integers(0, 200, (12, 16, 3), dtype=np.uint8)
            pixels[..., channel] = np.minimum(pixels[..., channel].astype(int) + 40, 255)
            Image.fromarray(pixels).save(place / "photos" / name / f'{index:02}<img src=x onerror="1">.png')
    (place / "recipe.yaml").write_text(RECIPE.replace("ROOT", str(place / "photos")))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STRANGER))
        patch.setenv("FRAMEWORK_CACHE", str(place / "cache"))
        for name, overrides in (("run", []), ("other", ["train.epochs=1", "seed=1"])):
            assert main(["run", str(place / "recipe.yaml"), "--out", str(place / name), *overrides]) == 0
    return place


@pytest.fixture
def run(made, tmp_path):
    """A copy of the run, to be changed."""
    return Path(shutil.copytree(made / "run", tmp_path / "run"))


@pytest.fixture
def other(made, tmp_path):
    """A copy of another run on the same data."""
    return Path(shutil.copytree(made / "other", tmp_path / "other"))


@pytest.fixture
def photos(made, tmp_path):
    """A copy of the images, to be changed; name it by `dataset.root`."""
    return Path(shutil.copytree(made / "photos", tmp_path / "photos"))


@pytest.fixture
def no_photos(made):
    """The images are missing during the test."""
    (made / "photos").rename(made / "away")
    yield
    os.rename(made / "away", made / "photos")  # noqa: PTH104
