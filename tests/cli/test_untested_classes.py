"""A class without images in a split is reported with the metrics of the split."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

RECIPE = """
dataset: {name: folder, root: ROOT, validation: 0.2}
preprocess: {size: 12, channels: 3}
model: tinynet
train: {epochs: 1, batch_size: 8, device: cpu}
"""


@pytest.fixture
def untested(tmp_path, photos, framework):
    """Runs on three classes, of which `test/` has two; the first command's output, and the runs."""
    for split, classes in (("train", ("blue", "red", "green")), ("test", ("blue", "red"))):
        for name in classes:
            (photos / split / name).mkdir(parents=True)
            for index in range(10):
                pixels = np.random.default_rng(index).integers(0, 255, (12, 12, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(photos / split / name / f"{index}.png")
    for name in ("blue", "red"):
        shutil.rmtree(photos / name)
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("ROOT", str(photos)))
    runs = [tmp_path / "first", tmp_path / "second"]
    said = [
        framework("run", tmp_path / "recipe.yaml", f"seed={seed}", "--out", run).out for seed, run in enumerate(runs)
    ]
    return said[0], runs


def says_so(text, split="test"):
    text = " ".join(text.split())
    return f"1 class of 3 has no images in {split}" in text and "green" in text and "2 of 3 classes" in text


def test_run_evaluate_report_compare_and_card_report_untested_classes(untested, framework):
    said, (first, second) = untested
    assert says_so(said)
    assert says_so(framework("evaluate", first).out)
    assert says_so(framework("report", first).out)
    assert says_so((first / "report.html").read_text())
    page = first / "compared.html"
    assert says_so(framework("compare", first, second, "--html", page).out)
    assert says_so(page.read_text())
    assert framework("bundle", first).status == 0
    assert says_so(framework("show", "bundle", first.with_suffix(".safetensors")).out)


def test_the_table_has_no_metrics_of_a_class_without_images(untested, framework):
    _, (first, _) = untested
    (row,) = [line.split() for line in framework("evaluate", first).out.splitlines() if line.startswith("green")][:1]
    assert row == ["green", "–", "–", "–", "0"]


def test_the_json_has_untested_classes_and_the_number_of_tested_ones(untested, framework):
    _, (first, second) = untested
    metrics = json.loads(framework("evaluate", first, "--json").out)
    assert (metrics["tested_classes"], metrics["per_class"]["green"]["support"]) == (2, 0)
    assert {metrics["per_class"]["green"][metric] for metric in ("precision", "recall", "f1")} == {None}
    assert metrics["f1_classes"] == 2 + any(cell[1] == "green" for cell in metrics["confusion"])
    compared = json.loads(framework("compare", first, second, "--json").out)["runs"]
    assert [run["untested_classes"] for run in compared] == [["green"], ["green"]]


def test_without_untested_classes_nothing_is_reported(untested, framework):
    _, (first, _) = untested
    assert "not tested" not in framework("evaluate", first, "--split", "train").out
