"""Descriptions of the options of a section."""

from types import ModuleType

from pydantic import Field

from framework.section import Section, descriptions


class Base(Section):
    inherited: int = 0
    """Of the base class."""
    overridden: int = 0
    """Of the base class."""


class Derived(Base):
    """The string below the class is not a description."""

    overridden: int = 1
    """Of the derived
    class."""
    plain: int = 2
    explicit: int = Field(3, description="By `Field`.")
    """Not used."""

    class Inner(Section):
        plain: int = 0
        """Of the inner class."""


def local_class(number):
    if number == 1:

        class Local(Section):
            option: int = 1
            """One.
Without indentation."""

        return Local
    return None


def another_local_class():
    class Local(Section):
        option: int = 2
        """Two."""

    return Local


def test_a_description_is_the_string_below_the_field_or_that_of_field():
    expected = {"inherited": "Of the base class.", "overridden": "Of the derived\nclass.", "explicit": "By `Field`."}
    assert descriptions(Derived) == expected


def test_classes_of_one_name_in_one_file_have_their_own_descriptions():
    assert descriptions(Derived.Inner) == {"plain": "Of the inner class."}
    assert descriptions(local_class(1)) == {"option": "One.\nWithout indentation."}
    assert descriptions(another_local_class()) == {"option": "Two."}


def test_the_json_schema_has_the_descriptions():
    properties = Derived.model_json_schema()["properties"]
    assert {name: part["description"] for name, part in properties.items() if "description" in part} == descriptions(
        Derived
    )


def test_a_class_without_source_has_the_descriptions_of_its_base():
    module = ModuleType("without_source")
    exec("from tests.test_section import Base\nclass Dynamic(Base):\n    more: int = 0\n    'Lost.'\n", vars(module))
    assert descriptions(vars(module)["Dynamic"]) == descriptions(Base)


def test_no_class_is_parsed_before_its_descriptions_are_needed():
    assert Derived.model_fields["inherited"].description is None
