"""Tables as spreadsheets, other systems and people write them: read as they were meant, or refused."""

import json

import pytest
from framework_folder import Csv
from PIL import Image

from framework import UserError
from framework.data.splits import build_splits


def written(folder, text, encoding="utf-8"):
    (folder / "table.csv").write_bytes(text.encode(encoding))
    return folder / "table.csv"


def saved(folder, *paths):
    for index, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 9 * index).save(folder / path, "png")


def labelled(splits):
    """The label of each image of `train`, as text, by name."""
    train = splits["train"]
    return {name: train.classes[label] for name, label in zip(train.names, train.labels, strict=True)}


def refusal(file, **options):
    with pytest.raises(UserError) as caught:
        build_splits(Csv(file=file, validation=0, **options))
    return str(caught.value)


ROWS = [("a.png", "cat, big"), ("b.png", "dog; small"), ("c.png", "fox|red")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
def test_delimiters_line_ends_and_encodings_are_recognised(delimiter, encoding, end, tmp_path):
    rows = [f'"{path}"{delimiter}"{label}"' for path, label in ROWS]
    text = end.join([f"path{delimiter}label", *rows])
    if encoding == "utf-16-le-bom":
        text, encoding = "\ufeff" + text, "utf-16-le"
    assert labelled(Csv(file=written(tmp_path, text, encoding)).build()) == dict(ROWS)


def test_utf_16_without_a_mark_is_refused(tmp_path):
    assert "CSV UTF-8" in refusal(written(tmp_path, "path,label\na.png,cat\n", "utf-16-le"))


def test_a_column_name_that_occurs_twice_is_refused(tmp_path):
    file = written(tmp_path, "path,label,label\na.png,cat,dog\nb.png,dog,cat\n")
    assert f"{file}:1: the column 'label' occurs twice" in refusal(file)


def test_columns_without_a_name_may_be_several(tmp_path):
    file = written(tmp_path, "path,label,,\na.png,cat,,\nb.png,dog,,\n")
    assert labelled(Csv(file=file).build()) == {"a.png": "cat", "b.png": "dog"}


def test_a_quote_that_is_not_closed_is_refused_and_swallows_no_rows(tmp_path):
    assert "not a CSV table" in refusal(written(tmp_path, 'path,label\na.png,"cat\nb.png,dog\nc.png,cat\n'))


def test_paths_with_backslashes_name_files_in_folders(tmp_path):
    saved(tmp_path, "x/a.png", "x/y/b.png", "c\\d.png")
    rows = "x\\a.png,cat\nx\\y\\b.png,dog\nc\\d.png,dog\n"
    source = Csv(file=written(tmp_path, f"path,label\n{rows}")).build()["train"]
    assert list(source.names) == ["x/a.png", "x/y/b.png", "c\\d.png"]
    assert source.read(1)[0, 0, 0] == 9


def test_ids_without_a_suffix_are_refused_with_what_to_set_and_read_with_it(tmp_path):
    saved(tmp_path, "0a1.b.jpg", "0a2.jpg")
    file = written(tmp_path, "path,label\n0a1.b,cat\n0a2,dog\n")
    assert "dataset.suffix=.jpg" in refusal(file)
    assert list(Csv(file=file, suffix=".jpg").build()["train"].names) == ["0a1.b.jpg", "0a2.jpg"]


@pytest.mark.parametrize(
    "labels",
    [
        ["0", "1", "10"],
        ["007", "7a", "1e3"],
        ["null", "yes", "no"],
        ["2020-01-01", "1.10", "1.1.0"],
        ["nan", "True", "~"],
    ],
    ids=str,
)
def test_labels_are_text(labels, tmp_path):
    rows = {f"{index}.png": label for index, label in enumerate(labels)}
    file = written(tmp_path, "path,label\n" + "".join(f"{name},{label}\n" for name, label in rows.items()))
    assert labelled(Csv(file=file).build()) == rows
    assert labelled(Csv(file=file, classes=tuple(labels)).build()) == rows


def notes(folder, labels, **options):
    rows = "".join(f"{index}.png,{label}\n" for index, label in enumerate(labels))
    return build_splits(Csv(file=written(folder, f"path,label\n{rows}"), validation=0, **options)).notes


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (["Cat", "cat", "dog"], ["'Cat'", "'cat'"]),
        (["0.0", "0", "1"], ["'0.0'", "'0'"]),
        (["1", "01", "2"], ["'1'", "'01'"]),
        (["hot dog", "hot_dog", "fox"], ["'hot dog'", "'hot_dog'"]),
        (["nan", "cat", "dog"], ["'nan'"]),
        (["cat", "N/A", "dog"], ["'N/A'"]),
    ],
    ids=str,
)
def test_doubtful_class_names_are_pointed_out_until_they_are_confirmed(labels, named, tmp_path):
    said = notes(tmp_path, labels)
    assert len(said) == 1
    assert all(name in said[0] for name in named)
    assert notes(tmp_path, labels, classes=tuple(labels)) == ()


@pytest.mark.parametrize("labels", [["cat", "dog"], ["1", "10", "1e2"], ["-", "_", "--"], ["inf", "infinity"]], ids=str)
def test_other_class_names_are_not(labels, tmp_path):
    assert notes(tmp_path, labels) == ()


def test_folders_with_doubtful_names_are_pointed_out_too(tmp_path, framework):
    saved(tmp_path, *(f"photos/{name}/{index}.png" for name in ("Cat", "cat", "dog") for index in range(4)))
    done = framework("data", "check", "folder", f"dataset.root={tmp_path / 'photos'}", "dataset.test=null", "--json")
    assert "'Cat' and 'cat'" in json.loads(done.out)["notes"][0]


@pytest.mark.parametrize("label", ["", "  ", '""'])
def test_an_empty_label_is_located(label, tmp_path):
    file = written(tmp_path, f"path,label\na.png,cat\nb.png,{label}\n")
    assert f"{file}:3: 'label' is empty" in refusal(file)


@pytest.mark.parametrize(
    ("word", "split"),
    [("dev", "validation"), ("Val", "validation"), ("holdout", "test"), ("eval", "test"), ("test_set", "test")],
)
def test_usual_names_of_splits_are_understood(word, split, tmp_path):
    file = written(tmp_path, f"path,label,fold\na,cat,train\nb,dog,training\nc,cat,{word}\n")
    assert list(Csv(file=file, split_column="fold").build()[split].names) == ["c"]


def test_two_names_of_one_split_are_refused(tmp_path):
    file = written(tmp_path, "path,label,fold\na,cat,train\nb,dog,train\nc,cat,val\nd,dog,dev\n")
    assert f"{file}:5: 'dev' and 'val'" in refusal(file, split_column="fold")


def test_what_is_not_used_or_listed_twice_is_pointed_out(tmp_path):
    rows = "a,cat,train\nb,dog,train\na,dog,train\nb,dog,test\nc,dog,hard\n"
    file = written(tmp_path, f"path,label,fold\n{rows}")
    said = Csv(file=file, split_column="fold").build().notes
    assert [name in note for name, note in zip(("'hard'", "'a' (cat, dog)", "'b' (test, train)"), said, strict=True)]
