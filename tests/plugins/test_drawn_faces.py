from collections import Counter

import numpy as np
import pytest
from framework_drawn import DrawnFaces
from pydantic import ValidationError

from framework.data.splits import build_splits

CLASSES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


def test_splits_have_the_requested_sizes():
    splits = DrawnFaces(train_images=70, test_images=21).build()
    assert {name: len(source) for name, source in splits.items()} == {"train": 70, "test": 21}


def test_classes_and_their_order_are_the_same_as_in_fer2013():
    assert list(DrawnFaces(train_images=14, test_images=7).build()["train"].classes) == CLASSES


def test_classes_have_equally_many_images():
    labels = DrawnFaces(train_images=70, test_images=21).build()["train"].labels
    assert Counter(labels) == dict.fromkeys(range(7), 10)


def test_images_are_grayscale_at_48_pixels():
    source = DrawnFaces(train_images=14, test_images=7).build()["train"]
    assert (source.channels, source.read(3).shape, source.read(3).dtype) == (1, (1, 48, 48), np.uint8)


def stacked(split, **options):
    source = DrawnFaces(**{"train_images": 28, "test_images": 28} | options).build()[split]
    return np.stack([source.read(index) for index in range(len(source))])


def test_the_same_options_give_the_same_images():
    np.testing.assert_array_equal(stacked("train"), stacked("train"))


@pytest.mark.parametrize("change", [{"seed": 1}, {"difficulty": 0.5}])
def test_seed_and_difficulty_change_the_images(change):
    assert (stacked("train") != stacked("train", **change)).any(axis=(1, 2, 3)).all()


def test_splits_and_seeds_have_no_common_face():
    faces = np.concatenate([stacked(split, seed=seed) for split in ("train", "test") for seed in (0, 1)])
    assert len(np.unique(faces.reshape(len(faces), -1), axis=0)) == 4 * 28


def test_more_images_do_not_change_the_first_ones():
    np.testing.assert_array_equal(stacked("train", train_images=56)[:28], stacked("train"))


def test_validation_is_held_out():
    splits = build_splits(DrawnFaces(train_images=70, test_images=7, validation=0.2))
    assert Counter(splits["validation"].labels) == dict.fromkeys(range(7), 2)


@pytest.mark.parametrize("options", [{"train_images": 13}, {"test_images": 6}, {"difficulty": 2.1}, {"seed": -1}])
def test_values_out_of_range_are_errors(options):
    with pytest.raises(ValidationError):
        DrawnFaces(**options)
