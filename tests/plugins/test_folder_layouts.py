"""How a folder's sub-folders are read: as splits, as classes, or as an error that shows them."""

import pytest
from framework_folder import Folder

from framework import UserError
from framework.data.splits import build_splits


def tree(root, *paths):
    """Files without content: layouts are listed, not read. `a/{x,y}/1.jpg` stands for both."""
    for path in paths:
        before, _, rest = path.partition("{")
        inside, _, after = rest.partition("}")
        for name in inside.split(",") if inside else [""]:
            file = root / f"{before}{name}{after}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    return root


def read(root, **options):
    """Classes and names by split, and the notes."""
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


def test_folders_that_say_the_same_twice_are_read_through(tmp_path):
    tree(tmp_path, "seg_train/seg_train/{a,b}/1.jpg", "seg_test/seg_test/{a,b}/1.jpg", "seg_pred/seg_pred/1.jpg")
    found, notes = read(tmp_path)
    assert found["train"] == (["a", "b"], ["seg_train/seg_train/a/1.jpg", "seg_train/seg_train/b/1.jpg"])
    assert list(found) == ["train", "test"]
    assert any("seg_pred" in note for note in notes if note.startswith("not used"))


@pytest.mark.parametrize("wrapper", ["dataset", "images", "Data/CLS-LOC", "archive (1)"])
def test_a_wrapper_around_the_splits_is_read_through(tmp_path, wrapper):
    tree(tmp_path, f"{wrapper}/train/{{a,b}}/1.jpg", f"{wrapper}/val/{{a,b}}/1.jpg", "meta/classes.txt")
    assert list(splits_of(tmp_path)) == ["train", "validation"]


def test_the_only_class_folder_is_no_wrapper(tmp_path):
    assert classes_of(tree(tmp_path, "cat/{indoor,outdoor}/1.jpg")) == ["cat"]


def test_a_split_without_class_folders_is_not_used_and_named(tmp_path):
    found, notes = read(tree(tmp_path, "train/{a,b}/1.jpg", "test/1.jpg", "test/2.jpg"))
    assert list(found) == ["train"]
    assert ["test" in note and "2 files" in note for note in notes] == [True]


def test_what_is_beside_splits_is_named(tmp_path):
    tree(tmp_path, "train/{a,b}/1.jpg", "test/{a,b}/1.jpg", "masks/1.png", "labels/1.txt", "sample.jpg")
    found, notes = read(tmp_path)
    assert list(found) == ["train", "test"]
    assert all(name in notes[0] for name in ("masks", "labels", "sample.jpg"))


def test_ordinary_splits_leave_nothing_to_say(tmp_path):
    assert read(tree(tmp_path, "train/{a,b}/1.jpg", "test/{a,b}/1.jpg"))[1] == ()
    assert read(tree(tmp_path / "x", "{a,b}/1.jpg"))[1] == ()


def test_a_folder_with_the_classes_of_train_is_a_split_of_its_own_name(tmp_path):
    tree(tmp_path, "train/{a,b}/1.jpg", "test/{a,b}/1.jpg", "PublicTest/{a,b}/1.jpg", "night/a/1.jpg")
    assert list(splits_of(tmp_path)) == ["train", "test", "PublicTest", "night"]


@pytest.mark.parametrize(
    "paths",
    [
        ("train/{a,b}/1.jpg", "{bus,plane}/1.jpg"),  # a split beside classes, or a class with sub-folders
        ("{cat,dog}/1.jpg", "test/{cat,dog}/1.jpg"),  # the test split beside the training classes
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
    ],
)
def test_what_cannot_be_decided_is_an_error_that_shows_the_folders(tmp_path, paths):
    told = refusal(tree(tmp_path, *paths))
    for folder in tmp_path.iterdir():
        assert f"{folder.name}/" in told
    assert "dataset.splits=" in told
    assert "dataset.classes=" in told


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
def test_classes_that_look_like_splits_are_classes(tmp_path, paths):
    tree(tmp_path, *paths)
    assert classes_of(tmp_path) == sorted(folder.name for folder in tmp_path.iterdir())


def test_classes_inside_splits_may_look_like_splits(tmp_path):
    tree(tmp_path, "train/{test,exam}/1.jpg", "test/{test,exam}/1.jpg")
    assert splits_of(tmp_path)["test"] == ["test/exam/1.jpg", "test/test/1.jpg"]
    assert classes_of(tmp_path) == ["exam", "test"]


def test_classes_that_are_all_called_like_splits_are_read_where_they_are_named(tmp_path):
    tree(tmp_path, "train/{test,dev}/1.jpg", "val/{test,dev}/1.jpg")
    assert "dataset.classes=" in refusal(tmp_path)
    assert list(splits_of(tmp_path, classes=("dev", "test"))) == ["train", "validation"]


def test_a_class_called_like_a_wrapper_is_a_class_in_every_split(tmp_path):
    tree(tmp_path, "train/{part,whole}/1.jpg", "test/part/1.jpg")
    assert splits_of(tmp_path)["test"] == ["test/part/1.jpg"]


def test_splits_below_classes_are_splits(tmp_path):
    tree(tmp_path, "cat/{train,test}/1.jpg", "dog/{train,test}/1.jpg", "dog/train/2.jpg")
    assert read(tmp_path)[0] == {
        "train": (["cat", "dog"], ["cat/train/1.jpg", "dog/train/1.jpg", "dog/train/2.jpg"]),
        "test": (["cat", "dog"], ["cat/test/1.jpg", "dog/test/1.jpg"]),
    }


def test_named_classes_are_classes_whatever_they_are_called(tmp_path):
    tree(tmp_path, "train/{a,b}/1.jpg", "{bus,plane}/1.jpg")
    assert classes_of(tmp_path, classes=("train", "plane", "bus")) == ["train", "plane", "bus"]
    assert splits_of(tmp_path, classes=("train", "plane", "bus"))["train"][0] == "train/a/1.jpg"


def test_given_splits_decide(tmp_path):
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
def test_given_splits_that_cannot_be_are_an_error(tmp_path, given):
    tree(tmp_path, "{amazon,webcam,dslr}/bike/1.jpg")
    assert "dataset.splits" in refusal(tmp_path, splits=given)


def test_what_an_error_suggests_is_accepted(tmp_path, framework):
    tree(tmp_path, "train/{a,b}/1.jpg", "{bus,plane}/1.jpg")
    import shlex

    words = [word for line in refusal(tmp_path).splitlines() for word in shlex.split(line) if "=" in word]
    assert len(words) == 2
    for word in words:
        result = framework("check", "folder", f"dataset.root={tmp_path}", word)
        assert result.status == 0, result.err


def test_splits_that_are_no_part_of_training_can_be_evaluated(tmp_path):
    tree(tmp_path, "train/{a,b}/1.jpg", "train/{a,b}/2.jpg", "night/{a,b}/1.jpg")
    assert list(build_splits(Folder(root=tmp_path))) == ["train", "night", "validation"]
