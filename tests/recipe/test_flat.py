"""A recipe that was kept with a run, as one level of keys."""

import pytest

from framework.errors import UserError
from framework.recipe.flat import affects_training, flat_recipe


def test_options_are_named_by_their_path():
    assert flat_recipe("a: {b: 1}\nc: [{d: x}, y]\ne: []\n") == {"a.b": 1, "c.0.d": "x", "c.1": "y", "e": []}


@pytest.mark.parametrize("text", ["a: [1\n", "a: 1\na: 2\n", "a text"])
def test_a_recipe_that_was_changed_by_hand_is_said_to_be_damaged(text):
    with pytest.raises(UserError, match="damaged"):
        flat_recipe(text)


def test_what_is_written_or_told_decides_nothing():
    aside = ["train.store", "train.log_every", "callbacks", "callbacks.0.name"]
    assert [
        path for path in [*aside, "train.batch_size", "seed", "augment.0.name"] if not affects_training(path)
    ] == aside
