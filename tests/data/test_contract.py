"""What a stranger's source can get wrong, and what the user is then told."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from framework import BadImage, Dataset, ImageArrays, UserError
from framework.data.preprocess import Preprocessor
from framework.data.sources import Selection
from framework.data.splits import build_splits
from framework.data.stores.build import build_store

PREPROCESS = Preprocessor(4, 4, 3, "crop")


class Source:
    """Four images of two classes; what is given replaces a member."""

    def __init__(self, **members):
        self.classes = ["cat", "dog"]
        self.labels = [0, 0, 1, 1]
        self.names = ["a", "b", "c", "d"]
        self.channels = 3
        self.image = np.zeros((3, 4, 4), np.uint8)
        self.__dict__.update(members)

    def __len__(self):
        return 4

    def read(self, index):
        return self.image


class Strange(Dataset):
    name = "strange"
    built: object = None

    def build(self):
        return self.built


def splits_of(built, **options):
    return build_splits(Strange(**{"validation": 0} | options).model_copy(update={"built": built}))


def refusal(built, **options):
    with pytest.raises(UserError) as caught:
        splits_of(built, **options)
    return str(caught.value)


@pytest.mark.parametrize("built", [None, {}, [Source()], Source(), {0: Source()}])
def test_what_is_no_mapping_of_splits_is_named(built):
    assert "dataset 'strange' returned no splits" in refusal(built)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"labels": [0, 1]}, "has 4 images, 2 labels and 4 names"),
        ({"names": ["a"]}, "has 4 images, 4 labels and 1 name"),
        ({"labels": [0, 1, 2, 1]}, "has labels from 0 to 2 for 2 classes"),
        ({"labels": [1, 1, 2, 2]}, "labels start at 0"),
        ({"labels": [-1, 0, 1, 1]}, "has labels from -1 to 1"),
        ({"labels": [0.0, 1.0, 1.0, 0.0]}, "there is 0.0"),
        ({"labels": ["cat", "cat", "dog", "dog"]}, "there is 'cat'"),
        ({"classes": ["cat", "cat"]}, "names a class twice"),
        ({"classes": [0, 1]}, "class names must be strings; there is 0"),
        ({"classes": ["cat"], "labels": [0] * 4}, "only one class, 'cat'"),
        ({"labels": [0] * 4}, "has no images of dog"),
        ({"channels": 4}, "has channels 4; it must be 1 (grayscale) or 3 (RGB)"),
        ({"channels": None}, "has channels None"),
    ],
)
def test_a_broken_promise_is_named_with_dataset_and_split(members, message):
    told = refusal({"train": Source(**members)})
    assert told.startswith("dataset 'strange', split 'train'")
    assert message in told


def test_missing_members_are_named():
    assert "lacks names, channels, read, __len__" in refusal({"train": SimpleNamespace(classes=["a", "b"], labels=[])})


def test_a_source_without_images_is_named():
    class Empty(Source):
        def __len__(self):
            return 0

    assert "split 'train' has no images" in refusal({"train": Empty()})


@pytest.mark.parametrize("labels", [np.array([0, 0, 1, 1]), torch.tensor([0, 0, 1, 1]), (False, False, True, True)])
def test_labels_of_any_whole_type_are_split_alike(labels):
    splits = splits_of({"train": Source(labels=labels)}, validation=0.5)
    assert splits["train"].labels.tolist() == [0, 1]
    assert splits["validation"].labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("image", "given"),
    [
        (np.zeros((4, 4), np.uint8), "uint8 4×4"),
        (np.zeros((3, 4), np.uint8), "uint8 3×4"),
        (np.zeros((4, 4, 3), np.uint8), "uint8 4×4×3"),
        (np.zeros((3, 4, 4), np.float32), "float32 3×4×4"),
        (np.zeros((3, 0, 4), np.uint8), "uint8 3×0×4"),
        (torch.zeros(3, 4, 4), "Tensor"),
        (None, "NoneType"),
    ],
)
def test_an_image_of_a_wrong_form_is_named_with_what_was_given(image, given):
    with pytest.raises(UserError, match=f"image 'a'.*uint8 C×H×W with C 1 or 3.*{given}"):
        build_store(Source(image=image), PREPROCESS)


def test_a_fault_in_read_is_named_with_the_image():
    def fail(index):
        raise KeyError("index.db")

    with pytest.raises(UserError, match=r"image 'a' cannot be read: KeyError: 'index.db'"):
        build_store(Source(read=fail), PREPROCESS, on_bad_image="skip")


def test_a_bad_image_is_no_fault_of_the_source():
    def fail(index):
        if index == 2:
            raise BadImage("whatever", "damaged")
        return np.zeros((3, 4, 4), np.uint8)

    store = build_store(Source(read=fail), PREPROCESS, on_bad_image="skip")
    assert [(bad.name, bad.reason) for bad in store.skipped] == [("c", "damaged")]
    assert store.names == ("a", "b", "d")


def test_a_source_that_can_read_smaller_images_is_asked_for_what_is_needed():
    asked = []

    class Reducing(Source):
        def read_reduced(self, index, least):
            asked.append(least)
            return np.zeros((3, 4, 4), np.uint8)

    build_store(Selection(Reducing(), [1, 2], [0, 1], ("cat", "dog")), PREPROCESS)
    assert asked == [PREPROCESS.least_side] * 2


@pytest.mark.parametrize(
    "labels",
    [
        np.array([[0.9, 0.1], [0.2, 0.8]], np.float32),
        np.array([[1, 0], [0, 1]]),
        torch.tensor([[0.5, 0.5], [0.0, 1.0]]),
        [[0.5, 0.5], (0.0, 1.0)],
    ],
    ids=["float array", "one-hot array", "tensor", "lists"],
)
def test_a_number_for_each_image_and_class_is_a_soft_label(labels):
    source = ImageArrays(np.zeros((2, 1, 2, 2), np.uint8), labels, ("cat", "dog"))
    found = splits_of({"train": source}, validation=0)["train"].labels
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.asarray(labels), rtol=1e-6)


@pytest.mark.parametrize("labels", [[1.0, 0.0], ["cat", "dog"], [None, 0], np.array([0.5, 1.0])], ids=str)
def test_labels_that_are_no_whole_numbers_are_refused(labels):
    source = ImageArrays(np.zeros((2, 1, 2, 2), np.uint8), labels, ("cat", "dog"))
    assert "labels must be whole numbers" in refusal({"train": source})
