"""Values of options as text and as YAML."""

import pytest

from framework.recipe.option_text import inline_yaml, value_text


@pytest.mark.parametrize(
    ("value", "words", "written"),
    [
        (None, "not set", "null"),
        (False, "no", "false"),
        (1e-08, "1e-8", "1e-8"),
        (6.0, "6", "6"),
        (1 / 9, "0.111111", "0.1111111111111111"),
        ([64, 128], "64, 128", "[64, 128]"),
        ([], "none", "[]"),
        ({}, "none", "{}"),
        ("auto", "auto", "auto"),
        (
            {"name": "adam", "lr": 2e-3, "nesterov": True, "dropout": None},
            "adam (lr 0.002, nesterov yes)",
            "{name: adam, lr: 0.002, nesterov: true, dropout: null}",
        ),
        ({"name": "net", "widths": [8, 16], "depth": 2}, "net (widths 8, 16; depth 2)",
         "{name: net, widths: [8, 16], depth: 2}"),
        ({"name": "flip"}, "flip", "{name: flip}"),
        ({"every": 5}, "every 5", "{every: 5}"),
    ],
)  # fmt: skip
def test_values_as_text_and_as_yaml(value, words, written):
    assert (value_text(value), inline_yaml(value)) == (words, written)
