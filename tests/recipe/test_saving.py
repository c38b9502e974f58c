"""A saved recipe is read as the same recipe."""

import pytest

from framework.recipe import recipe_text

RICH = """
seed: 7
dataset: {name: folder, root: 'photos: #1 of my "best"', classes: ['no', '1e3', '~', 'a: b', ' x ', '2001-12-14']}
preprocess: {size: [48, 32], channels: 3, mean: [0.1, 0.2, 0.3], std: [1.0e-5, 0.5, 1]}
augment: [flip, {name: rotate, degrees: 6}]
model: timm/convnext_atto
loss: {name: cross_entropy, label_smoothing: 0.1}
optimizer: {name: sgd, lr: 1e-22}
scheduler: one_cycle
train: {max_time: 1h30m, freeze: [layer1.*], ema: 0.999, device: 'cuda:1'}
callbacks: [csv]
"""


@pytest.mark.parametrize("commented", [False, True])
def test_the_text_is_read_as_an_equal_recipe(load, commented):
    recipe = load(RICH)
    assert load(recipe_text(recipe, commented=commented)) == recipe


def test_a_minimal_recipe_is_saved_with_all_defaults(load):
    text = recipe_text(load())
    assert "name: adamw" in text
    assert "epochs: 10" in text


def test_an_option_set_to_null_is_saved(tmp_path, registry, load):
    from framework import Model, Registry
    from framework.recipe import load_recipe
    from framework.registry import Plugin

    class Cut(Model):
        name = "cut"
        rate: float | None = 0.5

        def build(self):
            return None

    more = Registry((*registry.plugins, Plugin("cut", "cut", "cut", "1", "", (Cut,))))
    file = tmp_path / "cut.yaml"
    file.write_text("dataset: drawn_faces\nmodel: {name: cut, rate: null}\n")
    recipe = load_recipe(file, more)
    file.write_text(recipe_text(recipe))
    assert load_recipe(file, more).model.rate is None


def test_with_comments_every_option_has_its_description(load):
    text = recipe_text(load(), commented=True)
    assert "  # Passes over the training images.\n  epochs: 10\n" in text


def test_entries_of_lists_are_documented_without_repetition(load):
    text = recipe_text(load(RICH), commented=True)
    assert "  - name: flip  # " in text
    lines = text[text.index("augment:") : text.index("# The network.")].splitlines()
    options = [line.split(":")[0].strip() for line in lines if not line.lstrip().startswith(("#", "- "))][1:]
    assert options == ["p", "alternate", "after", "until", "degrees", "p", "after", "until"]
    comments = [line.strip() for line in lines if line.lstrip().startswith("#")]
    assert len(comments) == len(set(comments)) >= 5


def test_comments_are_wrapped(load):
    assert max(map(len, recipe_text(load(), commented=True).splitlines())) <= 115


def test_the_header_is_a_comment(load):
    assert recipe_text(load(), "framework run x.yaml\nby hand").startswith("# framework run x.yaml\n# by hand\nseed:")
