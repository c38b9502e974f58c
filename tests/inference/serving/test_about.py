"""What `GET /model` tells, and what it keeps to itself."""

import json
from dataclasses import replace

import pytest

from framework.inference.predictor import Predictor
from framework.inference.serving.about import describe
from framework.inference.serving.limits import Limits
from framework.runs.folder import RunFolder

RECIPE = """# framework run /home/me/secret/recipe.yaml
dataset:
  name: folder
  root: /home/me/my photos
  also: [~/others/cats, C/D]
model: timm/convnext_atto
"""


@pytest.fixture(scope="module")
def predictor():
    return Predictor.open("drawn/faces", device="cpu")


def test_the_card_and_the_name_have_no_folders_either(predictor, tmp_path):
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


def test_figures_come_with_their_interval(predictor):
    figures = describe(predictor, Limits(), None)["metrics"]["test"]
    assert figures["images"] == 1000
    assert figures["top1_interval"] == pytest.approx([0.925, 0.954], abs=0.001)


def test_folders_of_the_machine_are_left_out_of_the_recipe_and_the_network(predictor):
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
  also: […/cats, C/D]
model: timm/convnext_atto
"""
    )
    assert about["network"]["pretrained"] == "…/a.pt"
    assert "pretrained …/a.pt" in about["card"]
    assert "/me/" not in json.dumps(about)
