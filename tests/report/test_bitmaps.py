import numpy as np
import pytest
import torch

from framework import Confusion, Example, confusion_picture, examples_picture, scalars
from framework.report.bitmaps import BLUE, ORANGE


def colours(picture):
    return {tuple(colour) for _, colour in picture.getcolors(1 << 24)}


def confusion(matrix):
    true, predicted = np.array(matrix).nonzero()
    return Confusion(("cat", "dog"), true, predicted, np.array(matrix)[true, predicted])


def test_a_cell_with_a_whole_row_is_darkest():
    picture = confusion_picture(confusion([[9, 0], [4, 0]]))
    assert BLUE in colours(picture)
    assert BLUE not in colours(confusion_picture(confusion([[5, 5], [5, 5]])))


def test_a_class_without_images_has_an_empty_row():
    assert colours(confusion_picture(confusion([[0, 0], [0, 0]]))).isdisjoint({BLUE, ORANGE})


@pytest.mark.parametrize("classes", [300, 1000, 10_000])
def test_a_confusion_matrix_of_many_classes_is_limited_in_size(classes):
    every = np.arange(classes)
    picture = confusion_picture(Confusion.count(every, every, tuple(f"class {index}" for index in every)))
    assert 500 < max(picture.size) < 1100


def example(prediction, channels=1, side=8):
    image = torch.full((channels, side, side), 77, dtype=torch.uint8)
    return Example("a.png", image, "cat", prediction, 0.75)


def test_correct_and_wrong_predictions_have_different_colours():
    correct, wrong = colours(examples_picture([example("cat")])), colours(examples_picture([example("dog")]))
    assert (BLUE in correct, ORANGE in correct) == (True, False)
    assert (BLUE in wrong, ORANGE in wrong) == (False, True)


def test_images_of_any_size_and_long_names_are_drawn():
    shown = [example("a very long name of a class", 3, 300), example("cat", 1, 60), example("cat", 3, 4)] * 5
    picture = examples_picture(shown)
    assert (77, 77, 77) in colours(picture)


def test_no_images_give_an_empty_picture():
    (colour,) = colours(examples_picture([]))
    assert colour == (255, 255, 255)


def test_scalars_are_numbers_by_path():
    metrics = {
        "lr": 0.1,
        "kept": True,
        "train": {"loss": 2},
        "validation": {"top1": 0.5, "tested_classes": 2, "images": 3},
    }
    assert scalars(metrics) == {"lr": 0.1, "train/loss": 2, "validation/top1": 0.5}
    assert scalars({"test": {"per_class": {"cat": {"f1": 1.0}}, "ece": 0.1}}, "final/") == {"final/test/ece": 0.1}
