import numpy as np
import pytest

from framework import ImageArrays, ImageFiles, UserError
from framework.data.sources import Selection
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
    with pytest.raises(UserError, match=r"names\.csv:3: "):
        read_names(table('name\n"a/1.png\nb/3.png\n'))


def test_a_selection_of_a_selection_has_one_index_array():
    source = ImageArrays(np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1), [0, 1] * 3, ["a", "b"])
    outer = source
    for indices in ([5, 4, 3, 2, 1], [0, 2, 4], [2, 1]):
        outer = Selection(outer, indices, [0] * len(indices), ["a"])
    assert outer.source is source
    assert outer.indices.tolist() == [1, 3]
    assert [outer.read(index).item() for index in range(2)] == [1, 3]
    assert list(outer.names) == ["image/000001", "image/000003"]


def test_a_selection_does_not_look_behind_a_source_that_reads_in_its_own_way():
    class Inverted(Selection):
        def read(self, index):
            return 255 - super().read(index)

    inverted = Inverted(ImageArrays(np.zeros((3, 1, 1, 1), np.uint8), [0] * 3, ["a"]), [0, 1], [0, 0], ["a"])
    assert Selection(inverted, [1], [0], ["a"]).read(0).item() == 255
