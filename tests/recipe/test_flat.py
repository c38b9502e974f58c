"""A saved recipe as a flat dictionary."""

import pytest

from framework.errors import UserError
from framework.recipe.flat import affects_training, flat_recipe


def test_options_are_named_by_their_path():
    assert flat_recipe("a: {b: 1}\nc: [{d: x}, y]\ne: []\n") == {"a.b": 1, "c.0.d": "x", "c.1": "y", "e": []}


@pytest.mark.parametrize("text", ["a: [1\n", "a: 1\na: 2\n", "a text"])
def test_an_unreadable_recipe_is_a_user_error(text):
    with pytest.raises(UserError, match="damaged"):
        flat_recipe(text)


def test_logging_storage_and_callbacks_do_not_affect_training():
    aside = ["train.store", "train.log_every", "callbacks", "callbacks.0.name"]
    assert [
        path for path in [*aside, "train.batch_size", "seed", "augment.0.name"] if not affects_training(path)
    ] == aside
