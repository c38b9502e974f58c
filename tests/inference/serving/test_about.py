"""The content of `GET /model`, without folders of the machine."""

import json
from dataclasses import replace

import pytest

from framework.inference.predictor import Predictor
from framework.inference.serving.about import describe
from framework.inference.serving.limits import Limits
from framework.recipe.saving import yaml_text
from framework.runs.folder import RunFolder

RECIPE = """# framework run /home/me/secret/recipe.yaml
dataset:
  name: folder
  root: /home/me/my photos
  also: [~/others/cats, C/D]
model: timm/convnext_atto  # as in /home/me/notes
"""


@pytest.fixture(scope="module")
def predictor():
    return Predictor.open("drawn/faces", device="cpu")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("sqlite:////home/me/mlflow.db", "sqlite://…/mlflow.db"),
        ("file:///home/me/mlruns", "file://…/mlruns"),
        ("file://localhost/home/me/mlruns", "file://localhost…/mlruns"),
        ("file:/home/me/mlruns", "file:…/mlruns"),
        (r"C:\Users\me\photos", "…/photos"),
        ("file:///C:/Users/me/photos", "file://…/photos"),
        ("~/photos", "…/photos"),
        ("/home/me/" + "a folder with spaces " * 8 + "/photos", "…/photos"),
        ("https://example.org/home/me", "https://example.org/home/me"),
        ("photos/of/me", "photos/of/me"),
        ("timm/resnet18", "timm/resnet18"),
    ],
)
def test_only_the_last_part_of_an_absolute_path_remains(predictor, written, shown):
    recipe = yaml_text({"dataset": {"name": "folder", "root": written}})
    for card in (None, f"# Card\n\n```yaml\n{recipe}```\n"):
        trained = replace(predictor.trained, recipe=recipe, card=card)
        about = describe(replace(predictor, trained=trained), Limits(), None)
        expected = f"dataset:\n  name: folder\n  root: {shown}\n"
        assert about["recipe"] == expected
        assert f"```yaml\n{expected}```" in about["card"]


def test_a_recipe_without_folders_is_unchanged(predictor):
    trained = predictor.trained
    lines = [line for line in trained.recipe.splitlines(keepends=True) if not line.startswith("#")]
    assert describe(predictor, Limits(), None)["recipe"] == "".join(lines)


def test_card_and_name_contain_no_folders(predictor, tmp_path):
    recipe = predictor.trained.recipe.replace("name: drawn_faces", "name: drawn_faces\n  root: /home/me/secret/faces")
    assert "/home" in recipe
    trained = replace(predictor.trained, recipe=recipe, label=f"{tmp_path}/mine", card=None)
    trained = replace(trained, folder=RunFolder(tmp_path / "mine"))
    about = describe(replace(predictor, trained=trained), Limits(), None)
    assert "…/faces" in about["recipe"]
    assert about["name"] == "mine"
    assert "…/faces" in about["card"]
    for place in ("/home", str(tmp_path)):
        assert place not in json.dumps(about)


def test_top1_has_its_interval(predictor):
    metrics = describe(predictor, Limits(), None)["metrics"]["test"]
    assert metrics["images"] == 1000
    assert metrics["top1_interval"] == pytest.approx([0.925, 0.954], abs=0.001)


def test_an_8_bit_export_has_no_metrics_of_its_own(predictor):
    documents = predictor.trained.documents
    trained = replace(predictor.trained, documents={**documents, "model": {**documents["model"], "int8": True}})
    about = describe(replace(predictor, trained=trained), Limits(), None)
    assert (about["metrics"], "export" in about["summary"]) == ({}, True)


def test_folders_are_removed_from_the_recipe_and_the_network(predictor):
    model = predictor.trained.documents["model"]
    network = {**model["model"], "pretrained": "/home/me/weights/a.pt"}
    documents = {**predictor.trained.documents, "model": {**model, "model": network}}
    trained = replace(predictor.trained, recipe=RECIPE, documents=documents, card=None)
    about = describe(replace(predictor, trained=trained), Limits(), None)
    assert (
        about["recipe"]
        == """dataset:
  name: folder
  root: …/my photos
  also:
    - …/cats
    - C/D
model: timm/convnext_atto
"""
    )
    assert about["network"]["pretrained"] == "…/a.pt"
    assert "pretrained …/a.pt" in about["card"]
    assert "/me/" not in json.dumps(about)
