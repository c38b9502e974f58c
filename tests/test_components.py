"""Components: strict options, frozen state, `build` with the arguments in its signature."""

from typing import Literal

import pytest
from pydantic import Field, ValidationError

from framework import Loss, Model, Registry, Scheduler
from framework.components import KINDS, build, field_kind, own_fields_first, split_name


class Base(Model):
    """A base with one option."""

    rate: float = 0.5
    """Shared."""


class Net(Base):
    """A network with one of each type of option."""

    name = "net"
    width: int = Field(8, ge=1)
    """Channels."""
    deep: bool = False
    """Depth."""
    channels: Literal[1, 3] = 3
    """Colour."""
    pretrained: bool | str = False
    """Weights."""
    shares: tuple[float, ...] = ()
    """Of each."""

    def build(self, num_classes, channels=1):
        """Return the arguments."""
        return num_classes, channels


@pytest.mark.parametrize(
    "options",
    [
        {"width": True},
        {"width": "8"},
        {"width": 8.0},
        {"rate": True},
        {"rate": "0.5"},
        {"rate": float("nan")},
        {"deep": 1},
        {"deep": "true"},
        {"channels": True},
        {"channels": "3"},
        {"pretrained": 1},
        {"shares": [0.5, True]},
        {"shares": "0.5"},
        {"widht": 3},
        {"name": "other"},
    ],
    ids=str,
)
def test_an_option_of_another_type_is_rejected(options):
    with pytest.raises(ValidationError):
        Net(**options)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("rate", 1),
        ("shares", (1, 0.5)),
        ("pretrained", "weights.pth"),
        ("pretrained", True),
        ("channels", 1),
    ],
)
def test_an_option_of_its_type_is_accepted(option, value):
    assert getattr(Net(**{option: value}), option) == value


def test_a_list_is_converted_to_a_tuple():
    assert Net(shares=[1, 0.5]).shares == (1, 0.5)


def test_a_component_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Net().width = 3


def test_equal_options_make_equal_components():
    assert Net(width=3) == Net(width=3) != Net(width=4)


def test_build_gets_the_arguments_in_its_signature():
    assert build(Net(), num_classes=7, channels=3, image_size=(48, 48)) == (7, 3)


def test_build_with_keywords_gets_all_arguments():
    class Open(Model):
        name = "open"

        def build(self, **offered):
            return sorted(offered)

    assert build(Open(), num_classes=7, channels=3) == ["channels", "num_classes"]


def test_a_component_without_build_cannot_be_instantiated():
    class Unfinished(Model):
        name = "unfinished"

    with pytest.raises(TypeError, match="build"):
        Unfinished()


def test_a_dump_begins_with_the_name_and_own_options():
    assert list(Net().model_dump())[:2] == ["name", "width"]
    assert list(Net().model_dump())[-1] == "rate"


def test_own_options_come_before_inherited_ones():
    assert own_fields_first(Net) == ["width", "deep", "channels", "pretrained", "shares", "rate"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [("net", ("net", None)), ("timm/vit", ("timm", "vit")), ("a/b/c", ("a", "b/c")), ("a/", ("a", ""))],
)
def test_a_name_is_split_at_its_first_slash(text, parts):
    assert split_name(text) == parts


def test_the_kind_of_a_field_is_found_in_lists_and_unions():
    assert [field_kind(annotation) for annotation in (Loss, Scheduler | None, tuple[Model, ...], int | None)] == [
        Loss,
        Scheduler,
        Model,
        None,
    ]


def test_validation_without_a_registry_is_a_type_error():
    from framework import Recipe

    with pytest.raises(TypeError, match="registry"):
        Recipe.model_validate({"dataset": "drawn_faces", "model": "resnet18"})


def test_fetching_a_dataset_without_a_download_is_a_user_error():
    from framework import UserError

    drawn_faces = Registry.load().find(KINDS[0], "drawn_faces")
    with pytest.raises(UserError, match="dataset 'drawn_faces'"):
        drawn_faces().fetch()
