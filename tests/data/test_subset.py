import pytest

from framework import ImageFiles, UserError
from framework.data.subset import named_images, read_names

SOURCE = ImageFiles(["a/1.png", "a/2.png", "b/1.png", "b/3.png"], [0, 0, 1, 1], ["a", "b"])


@pytest.fixture
def table(tmp_path):
    def write(text):
        (tmp_path / "names.csv").write_text(text)
        return tmp_path / "names.csv"

    return write


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a/1.png\nb/3.png\n", ["a/1.png", "b/3.png"]),
        ("class,name\na,a/1.png\n\nb,b/3.png\n", ["a/1.png", "b/3.png"]),
        ('\ufeffname\n"with, comma.png"\n', ["with, comma.png"]),
    ],
)
def test_names_are_the_column_name_or_the_first(text, names, table):
    assert read_names(table(text)) == names


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00"])
def test_a_table_that_cannot_be_read_is_an_error(content, tmp_path):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.csv"):
        read_names(tmp_path / "x.csv")


def test_images_are_found_by_full_name_or_by_a_last_part_that_is_unique():
    chosen = named_images(SOURCE, ["3.png", "a/1.png", "a/1.png"], "t")
    assert (list(chosen.names), list(chosen.labels)) == (["a/1.png", "b/3.png"], [0, 1])


def test_a_whole_name_is_that_of_no_other_image():
    source = ImageFiles(["1.png", "a/1.png", "1.png"], [0, 0, 1], ["a", "b"])
    chosen = named_images(source, ["1.png"], "t")
    assert list(chosen.indices) == [0, 2]  # both rows of the one file


def test_a_name_that_several_images_have_is_refused():
    with pytest.raises(UserError, match=r"t: 2 images are called '1\.png'; name them with their folder"):
        named_images(SOURCE, ["1.png"], "t")


def test_a_name_that_no_image_has_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"1 name that no image has: 'b/33\.png'; did you mean 'b/3\.png'"):
        named_images(SOURCE, ["b/33.png", "a/1.png"], "t")


def test_a_table_without_names_is_refused():
    with pytest.raises(UserError, match="names no image"):
        named_images(SOURCE, [], "t")


def test_a_column_that_occurs_twice_is_refused(table):
    with pytest.raises(UserError, match="'keep' occurs twice"):
        read_names(table("name,keep,keep\na/1.png,yes,no\n"))


def test_a_quote_that_is_not_closed_is_refused(table):
    with pytest.raises(UserError, match="cannot be read as CSV"):
        read_names(table('name\n"a/1.png\nb/3.png\n'))
