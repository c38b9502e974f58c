import pytest
from framework_folder import Csv
from PIL import Image

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


def test_rows_become_images_in_their_order_with_classes_by_name(tmp_path):
    images(tmp_path, "a.png", "x/b.png", "c.png")
    source = built(table(tmp_path, "path,label\nx/b.png,dog\na.png,cat\nc.png,dog\n"))["train"]
    assert list(source.classes) == ["cat", "dog"]
    assert source.labels == [1, 0, 1]
    assert list(source.names) == ["x/b.png", "a.png", "c.png"]
    assert source.read(0).shape == (1, 4, 4)


def test_columns_may_have_other_names_and_there_may_be_more(tmp_path):
    file = table(tmp_path, "id,file,class\n7,a.png,cat\n8,b.png,dog\n")
    assert built(file, path_column="file", label_column="class")["train"].labels == [0, 1]


def test_a_missing_column_is_located_with_the_nearest_name(tmp_path):
    file = table(tmp_path, "path,lable\na.png,cat\n")
    assert f"{file}:1: there is no column 'label'; did you mean 'lable'? (columns: path, lable)" in refusal(file)


@pytest.mark.parametrize(
    ("row", "header"),
    [
        ("x/a.png,cat", "path,label"), ("cat,a.JPG", "label,path"), ("a.png;cat", "path;label"),
        ("7,a.png,cat", "label,path,column3"),
    ],
)  # fmt: skip
def test_a_table_without_a_header_is_told_which_line_to_insert(tmp_path, row, header):
    message = refusal(table(tmp_path, f"{row}\n{row}\n"))
    assert ":1: there is no header" in message
    assert f"`{header}`" in message


def test_a_missing_split_column_is_located(tmp_path):
    assert ":1: there is no column 'fold'" in refusal(table(tmp_path, "path,label\na,cat\n"), split_column="fold")


def test_an_empty_file_has_no_columns(tmp_path):
    assert "(columns: none)" in refusal(table(tmp_path, ""))


def test_a_header_alone_is_an_error(tmp_path):
    assert "no rows below the header" in refusal(table(tmp_path, "path,label\n"))


def test_an_unknown_label_is_located_with_the_nearest_name(tmp_path):
    file = table(tmp_path, "path,label\na.png,cat\nb.png,dgo\n")
    assert f"{file}:3: the label 'dgo' is not among 'classes'; did you mean 'dog'?" in refusal(
        file, classes=("cat", "dog")
    )


@pytest.mark.parametrize("row", ["a.png,", "a.png", ",cat", "  ,cat", "a.png, "])
def test_an_empty_cell_is_located(tmp_path, row):
    file = table(tmp_path, f"path,label\nb.png,dog\n{row}\n")
    assert f"{file}:3: '" in refusal(file)
    assert "is empty" in refusal(file)


def test_blanks_around_cells_make_no_new_class(tmp_path):
    source = built(table(tmp_path, "path,label\na.png, cat\nb.png,cat \nc.png,dog\n"))["train"]
    assert list(source.classes) == ["cat", "dog"]


def test_blanks_around_the_columns_of_the_header_are_none_of_their_names(tmp_path):
    assert built(table(tmp_path, "path , label\na.png,cat\nb.png,dog\n"))["train"].labels == [0, 1]


def test_a_cell_in_quotes_may_have_a_comma(tmp_path):
    source = built(table(tmp_path, 'path,label\na.png, "cat, big"\n"my,photo.png",dog\n'))["train"]
    assert list(source.classes) == ["cat, big", "dog"]
    assert list(source.names) == ["a.png", "my,photo.png"]


def test_a_row_with_more_cells_than_the_header_is_located(tmp_path):
    file = table(tmp_path, "path,label\na.png,cat\nmy,photo.png,dog\n")
    assert f"{file}:3: 3 cells, and the header has 2" in refusal(file)


def test_absolute_paths_are_taken_as_they_are(tmp_path):
    images(tmp_path / "far", "a.png")
    (tmp_path / "near").mkdir()
    file = table(tmp_path / "near", f"path,label\n{tmp_path}/far/a.png,cat\nb.png,dog\n")
    source = built(file)["train"]
    assert source.read(0).shape == (1, 4, 4)
    assert source.names[0] == f"{tmp_path}/far/a.png"


def test_paths_are_relative_to_a_given_root(tmp_path):
    images(tmp_path / "far", "a.png")
    source = built(table(tmp_path, "path,label\na.png,cat\n"), root=tmp_path / "far")["train"]
    assert source.read(0).shape == (1, 4, 4)


def test_a_missing_root_is_an_error(tmp_path):
    assert "dataset.root=DIR" in refusal(table(tmp_path, "path,label\na.png,cat\n"), root=tmp_path / "nowhere")


def test_a_missing_file_is_an_error_that_says_how_to_give_it(tmp_path):
    assert "dataset.file=FILE" in refusal(tmp_path / "nowhere.csv")
    assert "dataset.file=FILE" in refusal(tmp_path)


def test_splits_come_from_their_column_by_usual_names(tmp_path):
    file = table(tmp_path, "path,label,fold\na,cat,Training\nb,dog,train\nc,cat,val\nd,dog,TEST\ne,dog,hard\n")
    splits = built(file, split_column="fold")
    assert {name: list(source.names) for name, source in splits.items()} == {
        "train": ["a", "b"],
        "validation": ["c"],
        "test": ["d"],
        "hard": ["e"],
    }


def test_a_table_without_train_rows_says_which_there_are(tmp_path):
    file = table(tmp_path, "path,label,fold\na,cat,test\nb,dog,tran\n")
    assert "no row is of the split 'train'; there are rows of test, tran" in refusal(file, split_column="fold")


def test_classes_are_those_of_all_splits_together(tmp_path):
    file = table(tmp_path, "path,label,fold\na,cat,train\nb,fox,train\nc,dog,train\nd,fox,test\n")
    assert built(file, split_column="fold")["test"].labels == [2]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert built(table(tmp_path, "path,label\na.png,cat\n", encoding="utf-8-sig"))["train"].labels == [0]


def test_another_encoding_is_an_error_that_says_so(tmp_path):
    assert "is not UTF-8 text" in refusal(table(tmp_path, "path,label\na.png,Müll\n", encoding="latin-1"))


def test_a_table_that_csv_cannot_read_is_located(tmp_path):
    file = table(tmp_path, "path,label\na.png,cat\n" + "x" * 200_000 + ",cat\n")
    assert f"{file}:3: not a CSV table" in refusal(file)


def test_a_missing_image_is_a_bad_image(tmp_path):
    images(tmp_path, "a.png", "b.png")
    file = table(tmp_path, "path,label\na.png,cat\nb.png,dog\nlost.png,dog\n")
    source = build_splits(Csv(file=file, validation=0))["train"]
    with pytest.raises(UserError, match=r"lost.png: there is no such file"):
        build_store(source, Preprocessor(4, 4, 1, "crop"))


def test_names_are_relative_to_the_root_also_beside_one_that_lies_elsewhere(tmp_path):
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


def test_a_column_that_seems_to_hold_splits_and_is_not_used_is_pointed_out(tmp_path):
    images(tmp_path, "a.png", "b.png")
    file = table(tmp_path, "path,label,Split\na.png,cat,train\nb.png,dog,test\n")
    (note,) = built(file).notes
    assert "dataset.split_column=Split" in note
    assert not built(file, split_column="Split").notes
