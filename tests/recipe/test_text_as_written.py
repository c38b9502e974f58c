"""For options that are text, numbers in YAML are replaced by their text."""

import pytest

from framework import Registry
from framework.recipe import RecipeError, load_recipe
from framework.recipe.saving import recipe_text

NAMES = ["0", "007", "1.10", "1e3", "0x10", "1_000", "null", "~", "true", "yes", "no", "2020-01-01", "12:30", ".nan"]
RECIPE = "dataset: {name: folder, root: 2024, classes: [%s]}\nmodel: resnet18\n"

registry = Registry.load()


@pytest.fixture
def recipe(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(RECIPE % ", ".join(NAMES))
    return file


def test_class_names_in_a_recipe_are_text(recipe):
    loaded = load_recipe(recipe, registry)
    assert list(loaded.dataset.classes) == NAMES
    assert str(loaded.dataset.root) == "2024"


def test_class_names_on_the_command_line_are_text(recipe):
    overrides = ["dataset.classes=[0,1,2]", "dataset.classes.1=1.0"]
    assert load_recipe(recipe, registry, overrides).dataset.classes == ("0", "1.0", "2")


def test_class_names_are_the_same_in_a_saved_recipe(recipe):
    written = recipe_text(load_recipe(recipe, registry))
    recipe.write_text(written)
    assert list(load_recipe(recipe, registry).dataset.classes) == NAMES
    assert recipe_text(load_recipe(recipe, registry)) == written


def test_names_of_classes_in_weights_are_text(recipe):
    weights = "{" + ", ".join(f"{name}: 2.0" for name in NAMES) + "}"
    loaded = load_recipe(recipe, registry, [f"loss.class_weights={weights}"])
    assert list(loaded.loss.class_weights) == NAMES


@pytest.mark.parametrize("override", ["dataset.root=null", "dataset.root=true", "dataset.classes=[[0],[1]]"])
def test_values_that_are_not_text_are_an_error(override, recipe):
    with pytest.raises(RecipeError, match="must be a"):
        load_recipe(recipe, registry, [override])
