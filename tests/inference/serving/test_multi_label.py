"""The server and its page with several labels per image."""

import io

import numpy as np
import pytest
from PIL import Image

from framework import Predictor

RECIPE = """
dataset: {name: drawn_shapes, train_images: 200, test_images: 40, validation: 0.2}
task: multi_label
preprocess: {size: 16}
model: {name: speednet, widths: [8, 16, 16]}
loss: bce
optimizer: {name: adamw, lr: 1e-2}
train: {epochs: 1, batch_size: 16, device: cpu}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory, start_framework):
    folder = tmp_path_factory.mktemp("shapes")
    (folder / "shapes.yaml").write_text(RECIPE)
    process = start_framework("run", folder / "shapes.yaml", "--out", folder / "run")
    assert process.wait() == 0, process.stderr.read()
    return folder / "run"


@pytest.fixture(scope="module")
def shapes(serve, run):
    return serve(run=run)


@pytest.fixture(scope="module")
def images():
    random, found = np.random.default_rng(0), []
    for index in range(4):
        file = io.BytesIO()
        Image.fromarray(random.integers(0, 60 + 60 * index, (20, 20, 3), dtype=np.uint8)).save(file, "PNG")
        found.append(("image", (f"{index}.png", file.getvalue(), "image/png")))
    return found


@pytest.fixture(scope="module")
def thresholds(run):
    predictor = Predictor.open(str(run))
    return dict(zip(predictor.classes, predictor.thresholds, strict=True))


def test_a_reply_has_the_labels_above_their_thresholds(shapes, images, thresholds):
    replies = shapes.post(files=images).json()["images"]
    for reply in replies:
        assert list(reply) == ["name", "labels", "probabilities"]
        chosen = [name for name, value in reply["probabilities"].items() if value > thresholds[name]]
        assert reply["labels"] == chosen
    assert any(reply["labels"] for reply in replies)


def test_each_label_has_an_activation_map(shapes, images):
    for reply in shapes.post("/predict?activation=true", files=images).json()["images"]:
        best = next(iter(reply["probabilities"]))
        assert list(reply["activations"]) == (reply["labels"] or [best])
        assert all(uri.startswith("data:image/png;base64,") for uri in reply["activations"].values())


def test_a_shorter_list_of_probabilities_does_not_change_the_labels(shapes, images):
    whole, short = (shapes.post(f"/predict{query}", files=images).json()["images"] for query in ("", "?top=1"))
    assert [reply["labels"] for reply in whole] == [reply["labels"] for reply in short]
    assert {len(reply["probabilities"]) for reply in short} == {1}


def test_the_model_has_thresholds_and_the_metrics_of_its_task(shapes, thresholds):
    model = shapes.get("/model").json()
    assert model["thresholds"] == thresholds
    assert "mAP" in model["summary"]
    assert {"map", "subset_accuracy", "subset_accuracy_interval"} <= set(model["metrics"]["test"])
    assert "top-1" not in model["card"]


def test_the_schema_describes_labels(shapes):
    schemas = shapes.get("/openapi.json").json()["components"]["schemas"]
    assert {"name", "labels", "probabilities", "activations", "error"} <= set(schemas["ImageLabels"]["properties"])
    assert "labels" in schemas["RegionLabels"]["required"]


def test_the_page_marks_labels_and_thresholds_and_shows_the_map_of_each_label(browser, shapes, images, tmp_path):
    from playwright.sync_api import expect

    replies = shapes.post(files=images).json()["images"]
    reply = max(replies, key=lambda one: len(one["labels"]))
    assert len(reply["labels"]) > 1
    file = tmp_path / reply["name"]
    file.write_bytes(next(file[1] for _, file in images if file[0] == reply["name"]))
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(shapes.url)
    expect(page.locator("#facts")).to_contain_text("mAP")
    page.set_input_files("#files", file)
    expect(page.locator(".labels .chip")).to_have_count(len(reply["labels"]))
    expect(page.locator(".bars li.chosen")).to_have_count(len(reply["labels"]))
    expect(page.locator(".bars .threshold")).to_have_count(6)
    page.locator("#activation").check(force=True)
    buttons = page.locator("button.chip")
    expect(buttons).to_have_count(len(reply["labels"]))
    buttons.nth(1).click()
    expect(page.locator(".preview img")).to_have_attribute("alt", f"Activation map of {reply['labels'][1]}")
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "true")
    page.close()
    assert errors == []
