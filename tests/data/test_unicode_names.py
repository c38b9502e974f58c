"""`é` as one code point or as two is the same letter, in names of classes, images, splits and files."""

import csv

import numpy as np
import pytest
import torch
from framework_folder import Csv, Folder
from framework_torch.losses import CrossEntropy
from PIL import Image

from framework import Dataset, ImageArrays, ImageFiles, find_data
from framework.data.splits import bind_classes, build_splits, find_split
from framework.data.subset import named_images
from framework.data.unicode_names import existing_path, nfc
from framework.evaluation.predictions import Predictions
from framework.runs.trained import Trained

NFC, NFD = "caf\u00e9", "cafe\u0301"
FORMS = pytest.mark.parametrize(("one", "other"), [(NFC, NFD), (NFD, NFC)])


class Zoo(Dataset):
    name = "zoo"
    built: object = None

    def build(self):
        return self.built


def arrays(labels, classes):
    return ImageArrays(np.zeros((len(labels), 1, 2, 2), np.uint8), labels, classes)


def tree(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(root / path)
    return root


@FORMS
def test_splits_are_bound_whatever_the_form(tmp_path, one, other):
    tree(tmp_path, f"train/{one}/1.png", "train/bar/1.png", f"test/{other}/1.png")
    splits = build_splits(Folder(root=tmp_path, validation=0))
    assert splits["test"].classes == ("bar", NFC)
    assert splits["test"].labels.tolist() == [1]
    assert splits["test"].names == [f"test/{NFC}/1.png"]


def test_a_source_with_both_forms_has_one_class():
    splits = build_splits(
        Zoo(validation=0).model_copy(update={"built": {"train": arrays([0, 1, 2], (NFD, "bar", NFC))}})
    )
    assert splits["train"].classes == (NFC, "bar")
    assert splits["train"].labels.tolist() == [0, 1, 0]


@FORMS
def test_classes_of_a_network_are_bound_whatever_the_form(one, other):
    assert bind_classes(arrays([0, 1], (one, "bar")), ("bar", other), "here").labels.tolist() == [1, 0]


@FORMS
@pytest.mark.parametrize("option", ["keep", "drop"])
def test_tables_name_images_in_either_form(tmp_path, one, other, option):
    tree(tmp_path / "x", f"bar/{one}.png", "bar/2.png", f"{one}/{one}.png", f"{one}/3.png")
    with (tmp_path / "table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["name"], [f"bar/{other}.png"], [f"{other}/3.png"]])
    train = build_splits(Folder(root=tmp_path / "x", validation=0, **{option: tmp_path / "table.csv"}))["train"]
    named = {f"bar/{NFC}.png", f"{NFC}/3.png"}
    assert set(train.names) == (named if option == "keep" else {"bar/2.png", f"{NFC}/{NFC}.png"})


@FORMS
def test_only_named_images_are_chosen_in_either_form(one, other):
    source = ImageFiles([f"a/{one}.png", "a/2.png"], [0, 0], ("a",))
    assert named_images(source, [f"{other}.png"], "t").names == [f"a/{NFC}.png"]


@FORMS
def test_a_table_finds_files_in_either_form(tmp_path, one, other):
    tree(tmp_path, f"{one}/{one}.png", "bar/1.png")
    (tmp_path / "list.csv").write_text(f"path,label\n{other}/{other}.png,{other}\nbar/1.png,bar\n", encoding="utf-8")
    train = build_splits(Csv(file=tmp_path / "list.csv", classes=(one, "bar"), validation=0))["train"]
    assert train.classes == (NFC, "bar")
    assert train.read(0).shape == (1, 4, 4)


@FORMS
def test_a_root_is_found_in_either_form(tmp_path, one, other):
    (tmp_path / one / one).mkdir(parents=True)
    assert find_data(tmp_path / other / other) == tmp_path / one / one
    assert existing_path(tmp_path / other / "no") == str(tmp_path / other / "no")


@FORMS
def test_splits_are_found_in_either_form(one, other):
    assert len(find_split({nfc(one): arrays([0], ("a",))}, other)) == 1


@FORMS
def test_class_weights_are_named_in_either_form(one, other):
    assert CrossEntropy(class_weights={one: 3.0}).weights({nfc(other): 5, "bar": 5}) == [1.5, 0.5]


def test_classes_of_a_bundle_and_names_of_saved_answers_are_in_nfc(tmp_path):
    trained = Trained("x", tmp_path / "x", "", {"model": {"classes": [NFD, "bar"]}})
    assert trained.classes == (NFC, "bar")
    logits = torch.zeros(1, 2)
    Predictions((NFD, "bar"), (f"{NFD}/1.png",), torch.zeros(1, dtype=torch.int64), logits).save(
        tmp_path / "x.safetensors"
    )
    saved = Predictions.load(tmp_path / "x.safetensors")
    assert (saved.classes, saved.names) == ((NFC, "bar"), (f"{NFC}/1.png",))
