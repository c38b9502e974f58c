import numpy as np
import pytest
from framework_folder import Folder
from PIL import Image

from framework import UserError
from framework.data.splits import build_splits


def save(root, *paths):
    """Small images with distinct gray values."""
    for index, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 10 * index + 5).save(root / path)
    return root


def built(root, **options):
    """Names of the images by split."""
    return {split: list(source.names) for split, source in Folder(root=root, **options).build().items()}


def refusal(root, **options):
    with pytest.raises(UserError) as caught:
        Folder(root=root, **options).build()
    return str(caught.value)


def test_class_folders_without_splits_are_train(tmp_path):
    save(tmp_path, "cat/1.png", "cat/2.png", "dog/1.png")
    source = Folder(root=tmp_path, channels=1).build()["train"]
    assert source.classes == ["cat", "dog"]
    assert list(source.labels) == [0, 0, 1]
    assert source.channels == 1
    np.testing.assert_array_equal(source.read(2), np.full((1, 4, 4), 25, np.uint8))


def test_names_of_images_contain_the_folder_of_the_split(tmp_path):
    save(tmp_path, "train/cat/1.png", "train/dog/1.png", "validation/cat/1.png", "test/dog/1.png")
    assert built(tmp_path) == {
        "train": ["train/cat/1.png", "train/dog/1.png"],
        "validation": ["validation/cat/1.png"],
        "test": ["test/dog/1.png"],
    }


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("val", "validation"),
        ("valid", "validation"),
        ("Validation", "validation"),
        ("Test", "test"),
        ("testing", "test"),
    ],
)
def test_usual_names_of_splits_are_recognised(tmp_path, folder, split):
    save(tmp_path, "Train/cat/1.png", "Train/dog/1.png", f"{folder}/cat/1.png")
    assert built(tmp_path)[split] == [f"{folder}/cat/1.png"]


@pytest.mark.parametrize("pair", [("val", "valid"), ("val", "validation"), ("test", "Test")])
def test_two_folders_for_one_split_are_an_error(tmp_path, pair):
    save(tmp_path, "train/cat/1.png", "train/dog/1.png", *(f"{name}/cat/1.png" for name in pair))
    message = refusal(tmp_path)
    assert all(f"{name}/" in message for name in ("train", *pair))


def test_splits_without_train_are_an_error(tmp_path):
    save(tmp_path, "val/cat/1.png", "test/dog/1.png")
    assert "dataset.splits=" in refusal(tmp_path)


def test_a_class_may_be_called_train(tmp_path):
    save(tmp_path, "plane/1.png", "train/1.png", "bus/1.png")
    assert built(tmp_path) == {"train": ["bus/1.png", "plane/1.png", "train/1.png"]}


def test_a_class_may_be_called_valid(tmp_path):
    save(tmp_path, "valid/1.png", "invalid/1.png")
    assert built(tmp_path) == {"train": ["invalid/1.png", "valid/1.png"]}


def test_splits_without_class_folders_are_an_error(tmp_path):
    save(tmp_path, "train/1.png", "test/1.png")
    assert "dataset.splits=" in refusal(tmp_path)


def test_labels_are_correct_if_the_test_split_lacks_a_class(tmp_path):
    save(tmp_path, "train/cat/1.png", "train/dog/1.png", "train/fox/1.png", "test/fox/1.png")
    splits = build_splits(Folder(root=tmp_path, validation=0))
    assert splits["test"].labels.tolist() == [2]
    assert list(splits["test"].classes) == ["cat", "dog", "fox"]


def test_a_class_folder_in_the_test_split_may_be_empty(tmp_path):
    save(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/dog/1.png")
    (tmp_path / "test" / "cat").mkdir()
    assert build_splits(Folder(root=tmp_path, validation=0))["test"].labels.tolist() == [1]


def test_an_unexpected_class_in_the_test_split_is_an_error(tmp_path):
    save(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/dgo/1.png")
    with pytest.raises(UserError, match=r"'test'.*dgo"):
        build_splits(Folder(root=tmp_path, validation=0))


def test_an_empty_class_folder_in_the_training_split_is_an_error(tmp_path):
    save(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "fox").mkdir()
    with pytest.raises(UserError, match=r"'train'.*fox.*dataset.classes=\[cat, dog\]"):
        build_splits(Folder(root=tmp_path, validation=0))
    assert build_splits(Folder(root=tmp_path, validation=0, classes=("cat", "dog")))["train"].classes == ("cat", "dog")


def test_classes_defines_the_order_in_every_split(tmp_path):
    save(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/cat/1.png")
    splits = build_splits(Folder(root=tmp_path, classes=("dog", "cat"), validation=0))
    assert splits["train"].labels.tolist() == [0, 1]
    assert splits["test"].labels.tolist() == [1]


def test_a_class_folder_that_is_not_in_classes_is_an_error(tmp_path):
    save(tmp_path, "cat/1.png", "dog/1.png", "fox/1.png")
    assert "fox" in refusal(tmp_path, classes=("cat", "dog"))


def test_a_missing_root_is_an_error_with_the_option(tmp_path):
    message = refusal(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in message
    assert "dataset.root=DIR" in message


def test_a_root_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "a.zip").touch()
    assert "a.zip' is a file" in refusal(tmp_path / "a.zip")


def test_an_empty_root_is_an_error(tmp_path):
    assert f"'{tmp_path}'" in refusal(tmp_path)


def test_a_relative_root_is_searched_under_framework_data(tmp_path, monkeypatch):
    save(tmp_path / "pets", "cat/1.png", "dog/1.png")
    monkeypatch.setenv("FRAMEWORK_DATA", str(tmp_path))
    assert built("pets") == {"train": ["cat/1.png", "dog/1.png"]}


def test_moving_the_folder_does_not_change_names_or_held_out_images(tmp_path):
    save(tmp_path / "here", *(f"{name}/{index}.png" for name in ("cat", "dog") for index in range(20)))
    before = build_splits(Folder(root=tmp_path / "here", test=0.2))
    (tmp_path / "here").rename(tmp_path / "there")
    after = build_splits(Folder(root=tmp_path / "there", test=0.2))
    assert {split: list(source.names) for split, source in after.items()} == {
        split: list(source.names) for split, source in before.items()
    }


def test_a_new_file_moves_at_most_one_image_to_validation(tmp_path):
    save(tmp_path, *(f"{name}/{index:03}.png" for name in ("cat", "dog") for index in range(1, 101)))
    before = build_splits(Folder(root=tmp_path, validation=0.5))
    save(tmp_path, "cat/000.png")
    after = build_splits(Folder(root=tmp_path, validation=0.5))
    assert len(set(after["validation"].names) & set(before["train"].names)) <= 1
