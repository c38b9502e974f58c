"""Images replaced, between two commands, by others with the same name, size and time."""

import json
import os
import shutil

import pytest
from PIL import Image

RECIPE = """
dataset: {name: folder, root: ROOT, validation: 0}
preprocess: {size: 12, channels: 3}
model: tinynet
train: {epochs: 6, batch_size: 5, device: cpu}
optimizer: {name: adam, lr: 0.02}
"""


def swap_folders(test):
    (test / "red").rename(test / "aside")
    (test / "blue").rename(test / "red")
    (test / "aside").rename(test / "blue")


def overwrite_files(test):
    for red in (test / "red").iterdir():
        blue, content = test / "blue" / red.name, red.read_bytes()
        red.write_bytes(blue.read_bytes())
        blue.write_bytes(content)
    restore_times(test)


def restore_times(folder):
    for path in folder.rglob("*.bmp"):
        os.utime(path, ns=(10**18, 10**18))


@pytest.fixture
def recipe(tmp_path, photos):
    """Ready-made splits of BMP files, all of one size and time."""
    root = tmp_path / "data"
    for path in photos.rglob("*.png"):
        target = root / "train" / path.parent.name / f"{path.stem}.bmp"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).save(target)
    shutil.copytree(root / "train", root / "test")
    restore_times(root)
    file = tmp_path / "photos.yaml"
    file.write_text(RECIPE.replace("ROOT", str(root)))
    return file


@pytest.mark.parametrize("change", [swap_folders, overwrite_files])
def test_run_and_evaluate_use_the_current_images(change, tmp_path, recipe, framework):
    first, second = tmp_path / "first", tmp_path / "second"
    assert framework("run", recipe, "--out", first).status == 0

    def top1(run):
        return json.loads((run / "results.json").read_text())["test"]["top1"]

    before = top1(first)
    assert before > 0.9
    change(tmp_path / "data" / "test")
    evaluated = framework("evaluate", first, "--json")
    assert evaluated.status == 0, evaluated.err
    assert json.loads(evaluated.out)["top1"] == pytest.approx(1 - before)
    assert framework("run", recipe, "--out", second).status == 0
    assert top1(second) == pytest.approx(1 - before)
