"""Options given in Python as overrides."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from framework import Registry
from framework.recipe import load_recipe
from framework.recipe.overrides import override_texts
from framework.recipe.yaml_tree import YamlTree

WORDS = ["null", "true", "no", "~", "1e5", ".inf", "0x1F", "007", "<<", "2026-01-01", "x y", "a/b.c"]
texts = st.sampled_from(WORDS) | st.text("aZ0 .:,-+#'\"{}[]!&*?|>%@`~/\\\n\tü日=")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner),
    max_leaves=8,
)


def test_nested_dicts_are_dotted_paths():
    assert override_texts({"train": {"epochs": 3, "lookahead": {"k": 5}}}) == ["train.epochs=3", "train.lookahead.k=5"]
    assert override_texts({"train.epochs": np.int64(3), "seed": 1}) == ["train.epochs=3", "seed=1"]


def test_a_dict_with_a_name_replaces_the_component():
    options = {"model": "resnet34", "optimizer": {"name": "sgd", "lr": 1e-5}, "loss": {"label_smoothing": 0.1}}
    assert override_texts(options) == [
        "model=resnet34", "optimizer={name: sgd, lr: 1e-5}", "loss.label_smoothing=0.1",
    ]  # fmt: skip


@given(values)
def test_a_value_is_read_as_it_was_given(value):
    (text,) = override_texts({"a.b": value})
    assert YamlTree(text.partition("=")[2]).value == value


def test_a_recipe_is_loaded_from_a_dict_and_from_a_recipe():
    registry = Registry.load()
    recipe = load_recipe({"dataset": {"name": "folder", "root": Path("a, b")}, "model": "resnet18"}, registry)
    assert (str(recipe.dataset.root), recipe.model.name) == ("a, b", "resnet18")
    changed = load_recipe(recipe, registry, ["train.epochs=7"])
    assert load_recipe(changed, registry) == changed
    assert changed.model_copy(update={"train": recipe.train}) == recipe
