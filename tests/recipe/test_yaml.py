"""Mistakes in the YAML of a recipe are located; nothing is guessed or ignored."""

import os

import pytest

from framework.recipe.yaml_tree import YamlTree

BASE = "dataset: drawn_faces\nmodel: resnet18\n"


def value(text):
    """The value of a YAML text."""
    tree = YamlTree(text)
    assert tree.faults == []
    return tree.value


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("1e-4", 1e-4),
        ("1_000", 1000),
        ("0x10", 16),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("'3'", "3"),
        ("2001-12-14", "2001-12-14"),
        ("12:30", "12:30"),
        ("!!str 3", "3"),
        ("[1, [2], {a: b}]", [1, [2], {"a": "b"}]),
        ("1: a", {"1": "a"}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_scalars_mean_what_yaml_1_2_says(text, meaning):
    assert value(text) == meaning


def test_an_alias_has_the_value_of_its_anchor():
    assert value("a: &x [1]\nb: *x") == {"a": [1], "b": [1]}


def test_an_anchor_may_be_redefined_without_a_warning():
    assert value("a: &x 1\nb: &x 2\nc: *x") == {"a": 1, "b": 2, "c": 2}


def test_written_keys_override_merged_ones():
    assert value("{<<: {a: 1, b: 2}, b: 3}") == {"b": 3, "a": 1}


def test_of_several_merged_mappings_the_first_wins():
    assert value("{<<: [{a: 1}, {a: 2, b: 2}]}") == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "recipe.yaml:1:1: "),
        ("# only this\n", "is empty"),
        ("- dataset\n", "is a list"),
        ("dataset:drawn_faces\n", "is a single value"),
        ("dataset:\n\tname: x\n", "recipe.yaml:2:1: while scanning for the next token, found character '\\t'"),
        ("dataset: {name: x\nmodel: y\n", "recipe.yaml:2:6: while parsing a flow mapping, expected ',' or '}'"),
        (BASE + "---\n" + BASE, "recipe.yaml:3:1: expected a single document"),
        (BASE + "train: *nowhere\n", "recipe.yaml:3:8: found undefined alias 'nowhere'"),
        (b"dataset: x\nmodel: \xff\n", "recipe.yaml:2:8: not UTF-8 text (byte 0xff)"),
        (BASE.encode("utf-16"), "recipe.yaml:1:1: not UTF-8 text"),
        (b"dataset: x\nmodel: a\x00b\n", "recipe.yaml:2:9: unacceptable character #x0000"),
        ("[" * 600, "recipe.yaml:1:1: nested too deeply"),
        (BASE + "model: resnet34\n", "recipe.yaml:3:1: 'model' is given twice, first on line 2"),
        (BASE + "train: {epochs: 1, epochs: 2}\n", "recipe.yaml:3:20: 'epochs' is given twice, first on line 3"),
        (BASE + "train: !!python/none []\n", "recipe.yaml:3:8: there is no tag '!!python/none'"),
        (BASE + "train: !mine {epochs: 2}\n", "recipe.yaml:3:8: there is no tag '!mine' in recipes"),
        (BASE + "augment: !!set {flip, rotate}\n", "recipe.yaml:3:10: there is no tag '!!set' in recipes"),
        (BASE + "seed: !!int many\n", "recipe.yaml:3:7: 'many'"),
        (BASE + "train: {<<: 5}\n", "recipe.yaml:3:13: '<<'"),
        (BASE + "? [a, b]\n: 1\n", "recipe.yaml:3:3: "),
        ("&all\ndataset: *all\nmodel: resnet18\n", "recipe.yaml:1:1: 'dataset' contains itself"),
        (BASE + "train: " + "{a: " * 60 + "1" + "}" * 60, "nested too deeply"),
    ],
)  # fmt: skip
def test_invalid_yaml_is_located(complaints, text, fact):
    assert fact in "\n".join(complaints(text))


def test_an_invalid_value_is_reported_once(complaints):
    assert len(complaints(BASE + "train: !mine 3\n")) == 1


def test_mistakes_in_yaml_and_in_options_are_reported_together(complaints):
    lines = complaints(BASE + "seed: 1\nseed: 2\ntrain: {epochs: 0}\nmodle: x\n")
    assert [line.split(": ")[0] for line in lines] == ["recipe.yaml:4:1", "recipe.yaml:5:17", "recipe.yaml:6:1"]


def test_a_merged_option_is_reported_where_it_was_written(complaints):
    (line,) = complaints("dataset: drawn_faces\nmodel: resnet18\npreprocess: &p {size: 48}\ntrain: {<<: *p}\n")
    assert line.startswith("recipe.yaml:3:17: section 'train' has no option 'size'")


def test_windows_line_ends_and_a_byte_order_mark_are_accepted(load):
    assert load(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode()).model.name == "resnet18"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('dataset: "\\ud800"\nmodel: resnet18\n', "1:10"),
        ('dataset: {name: folder, root: "a\\ud800b"}\nmodel: resnet18\n', "1:31"),
        ('dataset: "\\udcff"\nmodel: resnet18\n', "1:10"),
        (BASE + '"\\ud800": 1\n', "3:1"),
        (BASE + '"\\udcff": 1\n', "3:1"),
        (BASE + 'train: {device: "\\udcff"}\n', "3:17"),
    ],
)
def test_half_of_a_surrogate_pair_is_located(complaints, text, place):
    (line,) = complaints(text)
    assert line.startswith(f"recipe.yaml:{place}: ")


def test_a_path_that_is_not_utf8_may_be_written_with_surrogates(load):
    recipe = load('dataset: {name: folder, root: "caf\\udce9"}\nmodel: resnet18\n')
    assert os.fsencode(recipe.dataset.root) == b"caf\xe9"
