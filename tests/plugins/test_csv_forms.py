"""Tables in the dialects of spreadsheets and other software are read correctly or rejected."""

import json
from itertools import product

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
    """Class name of each image of `train`, by image name."""
    train = splits["train"]
    return {name: train.classes[label] for name, label in zip(train.names, train.labels, strict=True)}


def refusal(file, **options):
    with pytest.raises(UserError) as caught:
        build_splits(Csv(file=file, validation=0, **options))
    return str(caught.value)


ROWS = [("a.png", "cat, big"), ("b.png", "dog; small"), ("c.png", "fox|red")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_delimiters_line_ends_and_encodings_are_detected(encoding, tmp_path):
    offenders = []
    for delimiter, end in product((",", ";", "\t", "|"), ("\n", "\r\n", "\r")):
        rows = [f'"{path}"{delimiter}"{label}"' for path, label in ROWS]
        text = end.join([f"path{delimiter}label", *rows])
        if encoding == "utf-16-le-bom":
            file = written(tmp_path, "\ufeff" + text, "utf-16-le")
        else:
            file = written(tmp_path, text, encoding)
        if labelled(Csv(file=file).build()) != dict(ROWS):
            offenders.append((delimiter, end))
    assert offenders == []


def test_utf_16_without_a_byte_order_mark_is_an_error(tmp_path):
    assert "CSV UTF-8" in refusal(written(tmp_path, "path,label\na.png,cat\n", "utf-16-le"))


def test_a_duplicate_column_name_is_located(tmp_path):
    file = written(tmp_path, "path,label,label\na.png,cat,dog\nb.png,dog,cat\n")
    message = refusal(file)
    assert message.startswith(f"{file}:1: ")
    assert "'label'" in message


def test_several_columns_may_have_no_name(tmp_path):
    file = written(tmp_path, "path,label,,\na.png,cat,,\nb.png,dog,,\n")
    assert labelled(Csv(file=file).build()) == {"a.png": "cat", "b.png": "dog"}


def test_an_unclosed_quote_is_an_error(tmp_path):
    file = written(tmp_path, 'path,label\na.png,"cat\nb.png,dog\nc.png,cat\n')
    assert refusal(file).startswith(f"{file}:")


def test_backslashes_separate_folders_unless_the_file_name_contains_them(tmp_path):
    saved(tmp_path, "x/a.png", "x/y/b.png", "c\\d.png")
    rows = "x\\a.png,cat\nx\\y\\b.png,dog\nc\\d.png,dog\n"
    source = Csv(file=written(tmp_path, f"path,label\n{rows}")).build()["train"]
    assert list(source.names) == ["x/a.png", "x/y/b.png", "c\\d.png"]
    assert source.read(1)[0, 0, 0] == 9


def test_ids_without_a_suffix_are_an_error_that_names_the_option(tmp_path):
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
def test_labels_are_always_text(labels, tmp_path):
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
def test_suspicious_class_names_are_noted_unless_classes_lists_them(labels, named, tmp_path):
    (note,) = notes(tmp_path, labels)
    assert all(name in note for name in named)
    assert notes(tmp_path, labels, classes=tuple(labels)) == ()


@pytest.mark.parametrize("labels", [["cat", "dog"], ["1", "10", "1e2"], ["-", "_", "--"], ["inf", "infinity"]], ids=str)
def test_other_class_names_are_not_noted(labels, tmp_path):
    assert notes(tmp_path, labels) == ()


def test_suspicious_names_of_class_folders_are_noted(tmp_path, framework):
    saved(tmp_path, *(f"photos/{name}/{index}.png" for name in ("Cat", "cat", "dog") for index in range(4)))
    done = framework("data", "check", "folder", f"dataset.root={tmp_path / 'photos'}", "dataset.test=null", "--json")
    (note,) = [note for note in json.loads(done.out)["notes"] if "'Cat'" in note]
    assert "'cat'" in note


@pytest.mark.parametrize("label", ["", "  ", '""'])
def test_an_empty_label_is_located(label, tmp_path):
    file = written(tmp_path, f"path,label\na.png,cat\nb.png,{label}\n")
    message = refusal(file)
    assert message.startswith(f"{file}:3: ")
    assert "'label'" in message


@pytest.mark.parametrize(
    ("word", "split"),
    [("dev", "validation"), ("Val", "validation"), ("holdout", "test"), ("eval", "test"), ("test_set", "test")],
)
def test_usual_names_of_splits_are_recognised(word, split, tmp_path):
    file = written(tmp_path, f"path,label,fold\na,cat,train\nb,dog,training\nc,cat,{word}\n")
    assert list(Csv(file=file, split_column="fold").build()[split].names) == ["c"]


def test_two_names_for_one_split_are_an_error(tmp_path):
    file = written(tmp_path, "path,label,fold\na,cat,train\nb,dog,train\nc,cat,val\nd,dog,dev\n")
    message = refusal(file, split_column="fold")
    assert message.startswith(f"{file}:5: ")
    assert "'dev'" in message
    assert "'val'" in message


def test_unused_splits_and_duplicate_paths_are_noted(tmp_path):
    rows = "a,cat,train\nb,dog,train\na,dog,train\nb,dog,test\nc,dog,hard\n"
    file = written(tmp_path, f"path,label,fold\n{rows}")
    notes = Csv(file=file, split_column="fold").build().notes
    expected = ("'hard'", "'a' (cat, dog)", "'b' (test, train)")
    assert all(name in note for name, note in zip(expected, notes, strict=True))
