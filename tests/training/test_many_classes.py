"""Runs with many classes: the size of lines and headers does not grow with their number or its square."""

import json

import numpy as np
import pytest
from PIL import Image

CLASSES = 120
RECIPE = """
dataset: {name: folder, root: ROOT, test: 0.3, validation: 0.3}
preprocess: {size: 8, channels: 1}
model: linear_probe
train: {epochs: 2, batch_size: 64, device: cpu, log_every: 1}
"""


@pytest.fixture
def run(tmp_path, framework):
    random = np.random.default_rng(0)
    for name in range(CLASSES):
        (tmp_path / "photos" / f"class{name:04}").mkdir(parents=True)
        for index in range(4):
            Image.fromarray(random.integers(0, 255, (8, 8), dtype=np.uint8)).save(
                tmp_path / "photos" / f"class{name:04}" / f"{index}.bmp"
            )
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("ROOT", str(tmp_path / "photos")))
    result = framework("run", tmp_path / "recipe.yaml", "--out", tmp_path / "run")
    assert result.status == 0, result.err
    return tmp_path / "run"


def header(file):
    content = file.read_bytes()
    return content[8 : 8 + int.from_bytes(content[:8], "little")].decode()


def test_no_line_and_no_header_lists_the_classes(run, framework):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) < 1000
    for file in (*run.glob("predictions/*"), *run.glob("checkpoints/*")):
        assert "class0" not in header(file), file
    assert "confusion" not in (run / "results.json").read_text()
    assert json.loads((run / "results.json").read_text())["test"]["per_class"].keys() == {
        f"class{name:04}" for name in range(CLASSES)
    }
    assert framework("bundle", run).status == 0
    assert len(header(run.with_suffix(".safetensors"))) < 1000 * CLASSES


def test_terminal_and_page_show_the_most_frequent_mistakes(run, framework):
    cells = json.loads(framework("evaluate", run, "--json").out)["confusion"]
    assert sum(images for _, _, images in cells) == CLASSES
    true, predicted, _ = max((cell for cell in cells if cell[0] != cell[1]), key=lambda cell: cell[2])
    shown = framework("evaluate", run).out
    assert "most frequent confusions" in shown
    assert true in shown
    assert predicted in shown
    assert framework("report", run).status == 0
    assert "confusion matrix" in (run / "report.html").read_text()
