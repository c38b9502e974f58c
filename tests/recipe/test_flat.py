"""Two recipes, option by option."""

from framework.recipe.flat import decides, flat_recipe, recipe_differences


def test_options_are_named_by_their_path():
    assert flat_recipe("a: {b: 1}\nc: [{d: x}, y]\ne: []\n") == {"a.b": 1, "c.0.d": "x", "c.1": "y", "e": []}


def test_only_what_differs_is_named_with_the_value_of_each():
    assert recipe_differences(["a: 1\nb: 2\n", "a: 1\nb: 3\n", "a: 1\n"]) == {"b": [2, 3, "not set"]}


def test_what_is_written_or_told_decides_nothing():
    aside = ["train.store", "train.log_every", "observers", "observers.0.name"]
    assert [path for path in [*aside, "train.batch_size", "seed", "augment.0.name"] if not decides(path)] == aside
