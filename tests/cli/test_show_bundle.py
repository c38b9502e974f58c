"""`framework show bundle`: the card of a bundle as text."""

import shutil

import pytest

from framework.report.card import card_text

CARD = "# My faces\n\nClasses: <b>, *a*, `c_d`, &amp;.\n\n## Metrics\n\n| split | top-1 |\n| --- | --- |\n"
CARD += "| test | 70 % |\n\n"
CARD += "## The recipe\n\n```yaml\nseed: 0\nmodel:\n  name: tinynet\n```\n"


@pytest.mark.parametrize("name", ["fer2013/compact", "drawn/faces"])
def test_the_card_of_a_shipped_bundle_has_its_name_and_no_markdown(name, framework):
    lines = framework("show", "bundle", name).out.splitlines()
    assert lines[:2] == [f"bundle {name}", ""]
    assert lines[2].startswith("speednet (widths ")
    assert not any(line.startswith(("#", "|", "```")) for line in lines)
    assert max(map(len, lines)) <= 98
    assert "True" not in "".join(lines)
    assert ["test", "1,000"] in [line.split()[:2] for line in lines] or name != "drawn/faces"


def test_the_card_of_a_renamed_bundle_has_the_current_name(framework, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from framework import Registry

    shutil.copy(Registry.load().bundle("drawn/faces"), "renamed.safetensors")
    assert framework("show", "bundle", "renamed.safetensors").out.startswith("bundle renamed.safetensors\n")


def test_a_title_is_printed_below_the_name_and_class_names_are_literal():
    text = card_text(CARD, "drawn/faces", 60, coloured=False)
    assert text.startswith("bundle drawn/faces\n\nMy faces\n\nClasses: <b>, *a*, c_d, &amp;.\n\n")
    assert text.endswith("The recipe\n\n  seed: 0\n  model:\n    name: tinynet")
    assert ["test", "70", "%"] in [line.split() for line in text.splitlines()]


def test_a_title_equal_to_the_name_is_omitted():
    assert "compact\n" not in card_text("# compact\n\nIt is.\n", "runs/compact.safetensors", 60, coloured=False)
