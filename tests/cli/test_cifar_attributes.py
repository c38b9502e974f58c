"""Every command on real images with several labels each: CIFAR-10 with attributes of its classes."""

import csv
import json
import os
from pathlib import Path

import pytest

from framework import Predictions, RunFolder, load

SHARED = Path(os.environ.get("FRAMEWORK_DATA", Path(__file__).parents[2] / ".." / "shared" / "data" / "unpacked"))
ATTRIBUTES = {
    "animal": {"bird", "cat", "deer", "dog", "frog", "horse"},
    "flies": {"airplane", "bird"},
    "pet": {"cat", "dog"},
    "wheels": {"airplane", "automobile", "truck"},
}
IMAGES = 24
"""Of each class."""
RECIPE = """
dataset: {{name: csv, file: {table}, label_separator: "|", validation: 0.2, test: 0.2}}
task: multi_label
preprocess: {{size: 16}}
augment: [flip, mixup]
model: {{name: speednet, widths: [8, 16, 16]}}
loss: asymmetric
optimizer: {{name: adamw, lr: 1e-2}}
train: {{epochs: 3, batch_size: 32, device: cpu}}
"""


@pytest.fixture
def recipe(tmp_path):
    root = SHARED / "cifar10" / "train"
    if not root.is_dir():
        pytest.skip(f"CIFAR-10 is not under FRAMEWORK_DATA ({SHARED})")
    table = tmp_path / "attributes.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"])
        for folder in sorted(root.iterdir()):
            labels = "|".join(name for name, classes in ATTRIBUTES.items() if folder.name in classes)
            rows.writerows([path.resolve(), labels] for path in sorted(folder.iterdir())[:IMAGES])
    recipe = tmp_path / "attributes.yaml"
    recipe.write_text(RECIPE.format(table=table))
    return recipe


def test_every_command_works_on_real_images_with_several_labels(recipe, framework, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    image = str(next((SHARED / "cifar10" / "train" / "cat").iterdir()))

    def call(*arguments):
        result = framework(*arguments)
        assert result.status == 0, result.err
        return result

    checked = json.loads(call("data", "check", recipe, "--json").out)
    assert checked["splits"]["train"]["images"] == IMAGES * 10 * 6 // 10
    call("run", recipe, "--out", one, "train.max_steps=6")
    call("run", recipe, "--out", other, "seed=1")
    evaluated = json.loads(call("evaluate", one, "--json").out)
    assert evaluated["map"] == json.loads((one / "results.json").read_text())["test"]["map"]
    call("evaluate", one, "--calibrate")
    call("evaluate", one, other)
    call("report", one, "--out", tmp_path / "report.html")
    call("compare", one, other, "--html", tmp_path / "compared.html")
    predicted = json.loads(call("predict", one, image, "--json").out)
    assert set(predicted["labels"]) <= set(predicted["probabilities"]) == set(ATTRIBUTES)
    call("export", one, "--out", tmp_path / "one.onnx")
    assert json.loads((tmp_path / "one.onnx.parity.json").read_text())["passed"]
    call("bench", tmp_path / "one.onnx", "--batch", "4")
    call("bundle", one, "--out", tmp_path / "one.safetensors")
    of_bundle = load(tmp_path / "one.safetensors", progress=False).predict(image)[0]
    assert set(of_bundle.labels) == set(predicted["labels"])
    assert Predictions.load(RunFolder(one).predictions("test")).labels.shape == (IMAGES * 10 // 5, len(ATTRIBUTES))
