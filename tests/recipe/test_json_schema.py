"""The JSON Schema agrees with the validation."""

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from framework.recipe.json_schema import json_schema

jsonschema = pytest.importorskip("jsonschema")
RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
BASE = "dataset: drawn_faces\nmodel: resnet18\n"


@pytest.fixture(scope="module")
def schema(registry):
    return json.loads(json.dumps(json_schema(registry)))


@pytest.fixture(scope="module")
def validator(schema):
    return jsonschema.Draft202012Validator(schema)


def parsed(text):
    return YAML(typ="safe", pure=True).load(text)


def test_the_schema_is_valid(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_shipped_recipes_fit_the_schema(validator, recipe):
    validator.validate(parsed(recipe.read_text()))


@pytest.mark.parametrize(
    "option",
    [
        "train: {max_time: 1h30m, checkpoint_every: 30}",
        "train: {device: 'cuda:1'}",
        "preprocess: {size: 48}",
        "preprocess: {size: [48, 32]}",
        "loss: {name: cross_entropy, label_smoothing: 0.1}",
        "augment: [flip, {name: rotate, degrees: 3}]",
        "callbacks: []",
        "optimizer: {name: timm/lamb, lr: 0.1}",
    ],
)
def test_valid_recipes_fit_the_schema(load, validator, option):
    load(BASE + option)
    validator.validate(parsed(BASE + option))


@pytest.mark.parametrize(
    "text",
    [
        "dataset: drawn_faces\n",
        "dataset: drawn_faces\nmodel: resnet81\n",
        BASE + "modle: x\n",
        BASE + "seed: one\n",
        BASE + "seed: -1\n",
        BASE + "train: {epochs: 0}\n",
        BASE + "train: {epoch: 1}\n",
        BASE + "train: {device: gpu}\n",
        BASE + "augment: flip\n",
        BASE + "augment: [flp]\n",
        BASE + "optimizer: {name: sgd, momentm: 1}\n",
        BASE + "optimizer: {lr: 1}\n",
        "dataset: {name: folder}\nmodel: resnet18\n",
    ],
)
def test_invalid_recipes_do_not_fit_the_schema(complaints, validator, text):
    complaints(text)
    assert not validator.is_valid(parsed(text))


def test_an_unlisted_variant_fits_the_schema(load, validator):
    for model in ("timm/resnet18.a1_in1k", "{name: timm/resnet18.a1_in1k}"):
        text = f"dataset: drawn_faces\nmodel: {model}\n"
        load(text)
        validator.validate(parsed(text))


def test_variants_are_in_the_schema_for_completion(schema):
    assert "timm/convnext_atto" in schema["$defs"]["Model"]["anyOf"][0]["enum"]


def test_every_option_is_described(schema):
    assert schema["$defs"]["Train"]["properties"]["epochs"]["description"] == "Passes over the training images."
