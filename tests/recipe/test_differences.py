"""Differences between recipes."""

from framework.recipe.differences import recipe_differences
from framework.recipe.flat import nested_recipe

FLIP = "{name: flip, p: 0.5}"
ROTATE = "{name: rotate, degrees: 6, p: 1}"
SHIFT = "{name: shift, fraction: 0.1}"


def differences(*texts):
    return recipe_differences(list(map(nested_recipe, texts)))


def augment(*transforms):
    return f"augment: [{', '.join(transforms)}]\n"


def test_only_differences_are_returned_with_the_value_of_each_recipe():
    assert differences("a: 1\nb: 2\n", "a: 1\nb: 3\n", "a: 1\n") == {"b": [2, 3, None]}


def test_a_transform_missing_in_one_recipe_is_one_difference():
    found = differences(augment(FLIP, ROTATE, SHIFT), augment(FLIP, SHIFT))
    assert found == {"augment.rotate": [{"name": "rotate", "degrees": 6, "p": 1}, None]}


def test_without_augmentation_each_transform_is_a_difference():
    assert list(differences(augment(FLIP, ROTATE), "augment: []\n", "{}\n")) == [
        "augment.flip", "augment.rotate",
    ]  # fmt: skip


def test_options_of_a_transform_are_compared_at_any_position():
    found = differences(augment(ROTATE, SHIFT), augment(SHIFT.replace("0.1", "0.2")))
    assert found["augment.shift.fraction"] == [0.1, 0.2]


def test_another_order_of_transforms_is_a_difference():
    assert differences(augment(FLIP, SHIFT), augment(SHIFT, FLIP)) == {
        "augment": [["flip", "shift"], ["shift", "flip"]]
    }


def test_a_transform_may_occur_twice():
    found = differences(augment(FLIP, FLIP), augment(FLIP))
    assert found == {"augment.flip 2": [{"name": "flip", "p": 0.5}, None]}


def test_options_of_only_one_optimizer_are_listed_with_its_name():
    adam, sgd = "optimizer: {name: adam, lr: 0.1, beta1: 0.9}\n", "optimizer: {name: sgd, lr: 0.2, momentum: 0.8}\n"
    assert differences(adam, sgd) == {
        "optimizer": [{"name": "adam", "beta1": 0.9}, {"name": "sgd", "momentum": 0.8}],
        "optimizer.lr": [0.1, 0.2],
    }


def test_a_section_missing_in_one_recipe_is_a_difference():
    lookahead = "train: {lookahead: {every: 5}}\n"
    assert differences(lookahead, "train: {}\n") == {"train.lookahead": [{"every": 5}, None]}
