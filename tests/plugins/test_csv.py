import pytest
from framework_folder import Csv
from PIL import Image
from pydantic import ValidationError

from framework import UserError
from framework.data.preprocess import Preprocessor
from framework.data.splits import build_splits
from framework.data.stores.build import build_store


def table(folder, text, *, encoding="utf-8"):
    (folder / "table.csv").write_bytes(text.encode(encoding))
    return folder / "table.csv"


def images(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 50).save(folder / path)


def built(file, **options):
    return Csv(file=file, **options).build()


def refusal(file, **options):
    with pytest.raises(UserError) as caught:
        built(file, **options)
    return str(caught.value)


def test_images_have_the_order_of_rows_and_classes_are_sorted(tmp_path):
    images(tmp_path, "a.png", "x/b.png", "c.png")
    source = built(table(tmp_path, "path,label\nx/b.png,dog\na.png,cat\nc.png,dog\n"))["train"]
    assert list(source.classes) == ["cat", "dog"]
    assert list(source.labels) == [1, 0, 1]
    assert list(source.names) == ["x/b.png", "a.png", "c.png"]
    assert source.read(0).shape == (1, 4, 4)


def test_columns_may_have_other_names_and_further_columns_are_ignored(tmp_path):
    file = table(tmp_path, "id,file,class\n7,a.png,cat\n8,b.png,dog\n")
    assert list(built(file, path_column="file", label_column="class")["train"].labels) == [0, 1]


def test_a_missing_column_is_located_with_a_suggestion(tmp_path):
    file = table(tmp_path, "path,lable\na.png,cat\n")
    message = refusal(file)
    assert message.startswith(f"{file}:1: ")
    assert all(part in message for part in ("'label'", "did you mean 'lable'", "path, lable", "dataset.label_column"))


@pytest.mark.parametrize(
    ("row", "header"),
    [
        ("x/a.png,cat", "path,label"), ("cat,a.JPG", "label,path"), ("a.png;cat", "path;label"),
        ("7,a.png,cat", "label,path,column3"),
    ],
)  # fmt: skip
def test_a_missing_header_is_located_with_the_line_to_insert(tmp_path, row, header):
    message = refusal(table(tmp_path, f"{row}\n{row}\n"))
    assert "table.csv:1: " in message
    assert f"`{header}`" in message


def test_a_missing_split_column_is_located(tmp_path):
    message = refusal(table(tmp_path, "path,label\na,cat\n"), split_column="fold")
    assert "table.csv:1: " in message
    assert "'fold'" in message


@pytest.mark.parametrize("text", ["", "path,label\n"], ids=["empty", "header"])
def test_a_table_without_rows_is_an_error(tmp_path, text):
    assert str(tmp_path / "table.csv") in refusal(table(tmp_path, text))


def test_an_unknown_label_is_located_with_a_suggestion(tmp_path):
    file = table(tmp_path, "path,label\na.png,cat\nb.png,dgo\n")
    message = refusal(file, classes=("cat", "dog"))
    assert message.startswith(f"{file}:3: ")
    assert "'dgo'" in message
    assert "did you mean 'dog'" in message


@pytest.mark.parametrize("row", ["a.png,", "a.png", ",cat", "  ,cat", "a.png, "])
def test_an_empty_cell_is_located(tmp_path, row):
    file = table(tmp_path, f"path,label\nb.png,dog\n{row}\n")
    assert refusal(file).startswith(f"{file}:3: ")


def test_blanks_around_cells_are_ignored(tmp_path):
    source = built(table(tmp_path, "path,label\na.png, cat\nb.png,cat \nc.png,dog\n"))["train"]
    assert list(source.classes) == ["cat", "dog"]


def test_blanks_around_column_names_are_ignored(tmp_path):
    assert list(built(table(tmp_path, "path , label\na.png,cat\nb.png,dog\n"))["train"].labels) == [0, 1]


def test_quoted_cells_may_contain_commas(tmp_path):
    source = built(table(tmp_path, 'path,label\na.png, "cat, big"\n"my,photo.png",dog\n'))["train"]
    assert list(source.classes) == ["cat, big", "dog"]
    assert list(source.names) == ["a.png", "my,photo.png"]


def test_a_row_with_more_cells_than_the_header_is_located(tmp_path):
    file = table(tmp_path, "path,label\na.png,cat\nmy,photo.png,dog\n")
    assert refusal(file).startswith(f"{file}:3: 3 cells")


def test_absolute_paths_are_supported(tmp_path):
    images(tmp_path / "far", "a.png")
    (tmp_path / "near").mkdir()
    file = table(tmp_path / "near", f"path,label\n{tmp_path}/far/a.png,cat\nb.png,dog\n")
    source = built(file)["train"]
    assert source.read(0).shape == (1, 4, 4)
    assert source.names[0] == f"{tmp_path}/far/a.png"


def test_paths_are_relative_to_root(tmp_path):
    images(tmp_path / "far", "a.png")
    source = built(table(tmp_path, "path,label\na.png,cat\n"), root=tmp_path / "far")["train"]
    assert source.read(0).shape == (1, 4, 4)


def test_a_missing_root_is_an_error_with_the_option(tmp_path):
    assert "dataset.root=DIR" in refusal(table(tmp_path, "path,label\na.png,cat\n"), root=tmp_path / "nowhere")


def test_a_missing_file_is_an_error_with_the_option(tmp_path):
    assert "dataset.file=FILE" in refusal(tmp_path / "nowhere.csv")
    assert "dataset.file=FILE" in refusal(tmp_path)


def test_the_split_column_supports_usual_names(tmp_path):
    file = table(tmp_path, "path,label,fold\na,cat,Training\nb,dog,train\nc,cat,val\nd,dog,TEST\ne,dog,hard\n")
    splits = built(file, split_column="fold")
    assert {name: list(source.names) for name, source in splits.items()} == {
        "train": ["a", "b"],
        "validation": ["c"],
        "test": ["d"],
        "hard": ["e"],
    }


def test_a_table_without_training_rows_is_an_error_with_the_splits(tmp_path):
    file = table(tmp_path, "path,label,fold\na,cat,test\nb,dog,tran\n")
    message = refusal(file, split_column="fold")
    assert "'train'" in message
    assert "test, tran" in message


def test_all_splits_have_the_same_classes(tmp_path):
    file = table(tmp_path, "path,label,fold\na,cat,train\nb,fox,train\nc,dog,train\nd,fox,test\n")
    assert list(built(file, split_column="fold")["test"].labels) == [2]


def test_a_byte_order_mark_is_not_part_of_the_first_column_name(tmp_path):
    assert list(built(table(tmp_path, "path,label\na.png,cat\n", encoding="utf-8-sig"))["train"].labels) == [0]


def test_another_encoding_is_an_error(tmp_path):
    assert "UTF-8" in refusal(table(tmp_path, "path,label\na.png,Müll\n", encoding="latin-1"))


def test_an_invalid_csv_row_is_located(tmp_path):
    file = table(tmp_path, "path,label\na.png,cat\n" + "x" * 200_000 + ",cat\n")
    assert refusal(file).startswith(f"{file}:3: ")


def test_a_missing_image_is_a_bad_image(tmp_path):
    images(tmp_path, "a.png", "b.png")
    file = table(tmp_path, "path,label\na.png,cat\nb.png,dog\nlost.png,dog\n")
    source = build_splits(Csv(file=file, validation=0))["train"]
    with pytest.raises(UserError, match=r"lost\.png"):
        build_store(source, Preprocessor(4, 4, 1, "crop"))


def test_an_image_outside_root_does_not_change_the_names_of_the_others(tmp_path):
    images(tmp_path / "far", "z.png")
    rows = "".join(f"{index}.png,{name}\n" for name in ("cat", "dog") for index in range(20))
    validation = []
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        file = table(tmp_path / place, f"path,label\n{tmp_path}/far/z.png,cat\n{tmp_path / place}/y.png,dog\n{rows}")
        splits = build_splits(Csv(file=file))
        assert "y.png" in {name for source in splits.values() for name in source.names}
        validation.append(set(splits["validation"].names))
    assert validation[0] == validation[1]


def test_an_unused_column_that_looks_like_splits_is_noted(tmp_path):
    images(tmp_path, "a.png", "b.png")
    file = table(tmp_path, "path,label,Split\na.png,cat,train\nb.png,dog,test\n")
    (note,) = built(file).notes
    assert "dataset.split_column=Split" in note
    assert not built(file, split_column="Split").notes


def test_a_separator_gives_several_labels_or_none(tmp_path):
    images(tmp_path, "a.png", "b.png", "c.png")
    file = table(tmp_path, "path,label\na.png,dog | cat\nb.png,\nc.png,dog|dog\n")
    source = built(file, label_separator="|")["train"]
    assert list(source.classes) == ["cat", "dog"]
    assert source.labels.tolist() == [[1, 1], [0, 0], [0, 1]]


def test_a_column_of_numbers_for_each_class(tmp_path):
    images(tmp_path, "a.png", "b.png")
    file = table(tmp_path, "path,cat,dog,set\na.png,7,3,train\nb.png,0,1.5,val\n")
    splits = built(file, label_columns=("dog", "cat"), split_column="set")
    assert list(splits["train"].classes) == ["dog", "cat"]
    assert [splits[name].labels.tolist() for name in ("train", "validation")] == [[[3, 7]], [[1.5, 0]]]
    fewer = built(file, label_columns=("dog", "set", "cat"), classes=("cat", "dog"))["train"]
    assert fewer.labels.tolist() == [[7, 3], [0, 1.5]]


@pytest.mark.parametrize("cell", ["many", "-1", "nan", "inf"])
def test_a_cell_that_is_no_number_of_votes_is_located(cell, tmp_path):
    images(tmp_path, "a.png", "b.png")
    file = table(tmp_path, f"path,cat,dog\na.png,1,0\nb.png,1,{cell}\n")
    with pytest.raises(UserError, match="csv:3: 'dog'"):
        built(file, label_columns=("cat", "dog"))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"label_column": "kind"}, "label_column"),
        ({"label_separator": "|"}, "label_separator"),
        ({"classes": ("dog", "fox")}, "fox"),
    ],
)
def test_options_for_labels_exclude_each_other(options, named):
    with pytest.raises(ValidationError, match=f"'label_columns'.*{named}|{named}"):
        Csv(file="x.csv", label_columns=("cat", "dog"), **options)
