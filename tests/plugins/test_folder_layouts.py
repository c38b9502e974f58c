"""Sub-folders are splits, classes, or an error that lists them."""

import shlex

import pytest
from framework_folder import Folder

from framework import UserError
from framework.data.splits import build_splits


def tree(root, *paths):
    """Create empty files: layouts are detected from names. `a/{x,y}/1.jpg` is expanded to both."""
    for path in paths:
        before, _, rest = path.partition("{")
        inside, _, after = rest.partition("}")
        for name in inside.split(",") if inside else [""]:
            file = root / f"{before}{name}{after}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    return root


def read(root, **options):
    """Classes and names of images by split, and the notes."""
    splits = Folder(root=root, **options).build()
    return {split: (list(source.classes), list(source.names)) for split, source in splits.items()}, splits.notes


def splits_of(root, **options):
    return {split: names for split, (_, names) in read(root, **options)[0].items()}


def classes_of(root, **options):
    return read(root, **options)[0]["train"][0]


def refusal(root, **options):
    with pytest.raises(UserError) as caught:
        Folder(root=root, **options).build()
    return str(caught.value)


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [
        ("training_set", "test_set", "test"),
        ("seg_train", "seg_test", "test"),
        ("train", "dev", "validation"),
        ("train", "eval", "test"),
        ("train", "holdout", "test"),
        ("train", "hold-out", "test"),
        ("Training Data", "Validation Data", "validation"),
        ("train2017", "val2017", "validation"),
        ("trainset", "testset", "test"),
        ("TrainImages", "TestImages", "test"),
        ("pets-train", "pets-valid", "validation"),
        ("my_train", "holdout", "test"),
    ],
)
def test_usual_names_with_prefixes_and_suffixes_are_splits(tmp_path, train, other, split):
    tree(tmp_path, f"{train}/{{cat,dog}}/1.jpg", f"{other}/{{cat,dog}}/1.jpg")
    assert splits_of(tmp_path) == {
        "train": [f"{train}/cat/1.jpg", f"{train}/dog/1.jpg"],
        split: [f"{other}/cat/1.jpg", f"{other}/dog/1.jpg"],
    }


def test_a_wrapper_with_the_same_name_is_ignored(tmp_path):
    tree(tmp_path, "seg_train/seg_train/{a,b}/1.jpg", "seg_test/seg_test/{a,b}/1.jpg", "seg_pred/seg_pred/1.jpg")
    found, notes = read(tmp_path)
    assert found["train"] == (["a", "b"], ["seg_train/seg_train/a/1.jpg", "seg_train/seg_train/b/1.jpg"])
    assert list(found) == ["train", "test"]
    assert any("seg_pred" in note for note in notes if note.startswith("not used"))


@pytest.mark.parametrize("wrapper", ["dataset", "images", "Data/CLS-LOC", "archive (1)"])
def test_a_wrapper_around_the_splits_is_ignored(tmp_path, wrapper):
    tree(tmp_path, f"{wrapper}/train/{{a,b}}/1.jpg", f"{wrapper}/val/{{a,b}}/1.jpg", "meta/classes.txt")
    assert list(splits_of(tmp_path)) == ["train", "validation"]


def test_the_only_class_folder_is_not_a_wrapper(tmp_path):
    assert classes_of(tree(tmp_path, "cat/{indoor,outdoor}/1.jpg")) == ["cat"]


def test_a_split_without_class_folders_is_unused_and_noted(tmp_path):
    found, notes = read(tree(tmp_path, "train/{a,b}/1.jpg", "test/1.jpg", "test/2.jpg"))
    assert list(found) == ["train"]
    (note,) = notes
    assert "test" in note
    assert "2 files" in note


def test_unused_folders_next_to_splits_are_noted(tmp_path):
    tree(tmp_path, "train/{a,b}/1.jpg", "test/{a,b}/1.jpg", "masks/1.png", "labels/1.txt", "sample.jpg")
    found, notes = read(tmp_path)
    assert list(found) == ["train", "test"]
    assert all(name in notes[0] for name in ("masks", "labels", "sample.jpg"))


def test_ordinary_layouts_have_no_notes(tmp_path):
    assert read(tree(tmp_path, "train/{a,b}/1.jpg", "test/{a,b}/1.jpg"))[1] == ()
    assert read(tree(tmp_path / "x", "{a,b}/1.jpg"))[1] == ()


def test_another_folder_with_the_classes_of_train_is_a_further_split(tmp_path):
    tree(tmp_path, "train/{a,b}/1.jpg", "test/{a,b}/1.jpg", "PublicTest/{a,b}/1.jpg", "night/a/1.jpg")
    assert list(splits_of(tmp_path)) == ["train", "test", "PublicTest", "night"]


@pytest.mark.parametrize(
    "paths",
    [
        ("train/{a,b}/1.jpg", "{bus,plane}/1.jpg"),  # a split next to classes, or a class with sub-folders
        ("{cat,dog}/1.jpg", "test/{cat,dog}/1.jpg"),  # the test split next to the training classes
        ("{amazon,webcam}/bike/1.jpg", "{amazon,webcam}/mug/1.jpg"),  # splits of any name
        ("amazon/images/{bike,mug}/1.jpg", "webcam/images/{bike,mug}/1.jpg"),
        ("{2019,2020}/train/cat/1.jpg", "{2019,2020}/test/cat/1.jpg"),
        ("train/{train,val}/a/1.jpg", "test/{a,b}/1.jpg"),
        ("train/{train,val}/1.jpg", "val/{train,val}/1.jpg"),
        ("train/{a,b}/1.jpg", "public_test/{a,b}/1.jpg", "private_test/{a,b}/1.jpg"),
        ("cat/{train,test}/1.jpg", "dog/1.jpg"),
        ("cat/{train,test}/1.jpg", "dog/{train,extra}/1.jpg"),
        ("seg_train/1.jpg", "seg_test/1.jpg"),
        ("bullet_train/{japan,france}/1.jpg", "car/1.jpg"),
        ("my_train/{a,b}/1.jpg", "pred/1.jpg"),
        ("train/{val,dog}/1.jpg", "val/val/dog/1.jpg"),
        ("{cat,dog,train}/pets train/1.jpg", "train/val/1.jpg"),
    ],
)
def test_an_ambiguous_layout_is_an_error_that_lists_the_folders(tmp_path, paths):
    message = refusal(tree(tmp_path, *paths))
    for folder in tmp_path.iterdir():
        assert f"{folder.name}/" in message
    assert "dataset.splits=" in message
    assert "dataset.classes=" in message


@pytest.mark.parametrize(
    "paths",
    [
        ("{train,bus,plane}/1.jpg",),
        ("{test,exam}/1.jpg",),
        ("{valid,invalid}/1.jpg",),
        ("{crash_test,bullet_train}/1.jpg",),
        ("bullet_train/japan/1.jpg", "car/1.jpg"),
        ("cat/{1,2}/1.jpg", "dog/1.jpg"),
        ("n01/images/1.jpg", "n02/images/1.jpg"),
        ("cat/{train,test}/1.txt", "{cat,dog}/1.jpg"),
    ],
)
def test_classes_may_be_named_like_splits(tmp_path, paths):
    tree(tmp_path, *paths)
    assert classes_of(tmp_path) == sorted(folder.name for folder in tmp_path.iterdir())


def test_classes_inside_splits_may_be_named_like_splits(tmp_path):
    tree(tmp_path, "train/{test,exam}/1.jpg", "test/{test,exam}/1.jpg")
    assert splits_of(tmp_path)["test"] == ["test/exam/1.jpg", "test/test/1.jpg"]
    assert classes_of(tmp_path) == ["exam", "test"]


def test_if_all_classes_are_named_like_splits_the_option_is_required(tmp_path):
    tree(tmp_path, "train/{test,dev}/1.jpg", "val/{test,dev}/1.jpg")
    assert "dataset.classes=" in refusal(tmp_path)
    assert list(splits_of(tmp_path, classes=("dev", "test"))) == ["train", "validation"]


def test_a_class_may_be_named_like_a_wrapper(tmp_path):
    tree(tmp_path, "train/{part,whole}/1.jpg", "test/part/1.jpg")
    assert splits_of(tmp_path)["test"] == ["test/part/1.jpg"]


def test_splits_inside_class_folders_are_splits(tmp_path):
    tree(tmp_path, "cat/{train,test}/1.jpg", "dog/{train,test}/1.jpg", "dog/train/2.jpg")
    assert read(tmp_path)[0] == {
        "train": (["cat", "dog"], ["cat/train/1.jpg", "dog/train/1.jpg", "dog/train/2.jpg"]),
        "test": (["cat", "dog"], ["cat/test/1.jpg", "dog/test/1.jpg"]),
    }


def test_folders_in_the_option_classes_are_classes(tmp_path):
    tree(tmp_path, "train/{a,b}/1.jpg", "{bus,plane}/1.jpg")
    assert classes_of(tmp_path, classes=("train", "plane", "bus")) == ["train", "plane", "bus"]
    assert splits_of(tmp_path, classes=("train", "plane", "bus"))["train"][0] == "train/a/1.jpg"


def test_the_option_splits_defines_the_layout(tmp_path):
    tree(tmp_path, "{amazon,webcam,dslr}/images/bike/1.jpg", "{amazon,webcam,dslr}/images/mug/1.jpg")
    found, notes = read(tmp_path, splits={"train": "amazon/images", "test": "webcam/images"})
    assert {split: names[0] for split, (_, names) in found.items()} == {
        "train": "amazon/images/bike/1.jpg",
        "test": "webcam/images/bike/1.jpg",
    }
    assert any("dslr" in note for note in notes)


@pytest.mark.parametrize(
    "given",
    [
        {"train": "amazn"},
        {"test": "amazon"},
        {"train": "amazon", "test": "amazon"},
        {"train": "amazon", "test": "amazon/bike"},
        {"val": "amazon", "validation": "webcam", "train": "dslr"},
        {"train": "../x"},
        {"train": "/"},
    ],
)
def test_invalid_values_of_the_option_splits_are_errors(tmp_path, given):
    tree(tmp_path, "{amazon,webcam,dslr}/bike/1.jpg")
    assert "dataset.splits" in refusal(tmp_path, splits=given)


def test_the_overrides_that_an_error_suggests_are_valid(tmp_path, framework):
    tree(tmp_path, "train/{a,b}/1.jpg", "{bus,plane}/1.jpg")
    words = [word for line in refusal(tmp_path).splitlines() for word in shlex.split(line) if "=" in word]
    assert len(words) == 2
    for word in words:
        result = framework("check", "folder", f"dataset.root={tmp_path}", word)
        assert result.status == 0, result.err


def test_further_splits_are_available_for_evaluation(tmp_path):
    tree(tmp_path, "train/{a,b}/1.jpg", "train/{a,b}/2.jpg", "night/{a,b}/1.jpg")
    assert list(build_splits(Folder(root=tmp_path))) == ["train", "night", "validation"]
