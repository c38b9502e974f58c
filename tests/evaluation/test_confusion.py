"""The confusion matrix, against counting one by one."""

import numpy as np
import pytest

from framework.evaluation.confusion import Confusion, Mistake

CLASSES = ("a", "b", "c", "d")
LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 3, 3, 0])
PREDICTIONS = np.array([0, 1, 1, 1, 2, 2, 0, 3, 2, 1])


@pytest.fixture
def confusion():
    return Confusion.count(LABELS, PREDICTIONS, CLASSES)


def test_rows_are_true_classes_and_columns_predicted_classes(confusion):
    expected = np.zeros((4, 4), dtype=int)
    for label, prediction in zip(LABELS, PREDICTIONS, strict=True):
        expected[label, prediction] += 1
    assert (confusion.matrix() == expected).all()
    assert confusion.support.tolist() == [4, 4, 0, 2]
    assert sum(images for _, _, images in confusion.cells()) == 10


def test_mistakes_are_ordered_by_count_then_by_fraction_of_the_class(confusion):
    assert confusion.mistakes(3) == [Mistake("a", "b", 3, 4), Mistake("b", "c", 2, 4), Mistake("d", "c", 1, 2)]
    assert confusion.confused_pairs == 4
    assert len(confusion.mistakes(100)) == 4


def test_rates_for_fewer_pixels_sum_neighbouring_classes(confusion):
    assert (
        confusion.rates(4).tolist() == (confusion.matrix() / confusion.matrix().sum(1, keepdims=True).clip(1)).tolist()
    )
    assert confusion.rates(2).tolist() == [[0.75, 0.25], [0, 1]]


def test_an_empty_confusion_matrix_has_no_mistakes():
    assert Confusion.empty().mistakes(10) == []


def test_a_million_classes_need_no_dense_matrix():
    classes = tuple(map(str, range(1_000_000)))
    confusion = Confusion.count(np.array([5, 999_999]), np.array([6, 999_999]), classes)
    assert confusion.cells() == [["5", "6", 1], ["999999", "999999", 1]]
