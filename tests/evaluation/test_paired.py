"""Two classifiers on the same images."""

from fractions import Fraction
from math import comb

import pytest
import torch

from framework.errors import UserError
from framework.evaluation.paired import holm, mcnemar, paired
from framework.evaluation.predictions import Predictions

CLASSES = ("cat", "dog")


def predictions_of(rows, classes=CLASSES):
    """Rows of (name, true class, predicted class)."""
    labels = torch.tensor([classes.index(true) for _, true, _ in rows])
    logits = torch.zeros(len(rows), len(classes))
    for index, (_, _, predicted) in enumerate(rows):
        logits[index, classes.index(predicted)] = 2.0
    return Predictions(classes, tuple(name for name, _, _ in rows), labels, logits)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (3, 9), (10, 10), (40, 61), (700, 820)])
def test_mcnemar_is_the_two_sided_binomial_test(gained, lost):
    number = gained + lost
    likely = [Fraction(comb(number, k), 2**number) for k in range(number + 1)]
    direct = sum(p for k, p in enumerate(likely) if abs(2 * k - number) >= abs(gained - lost))
    assert mcnemar(gained, lost) == pytest.approx(float(direct), rel=1e-12)


def test_mcnemar_of_a_worked_example():
    assert mcnemar(5, 15) == pytest.approx(0.041389, abs=1e-6)


def test_mcnemar_of_counts_beyond_the_range_of_floats():
    assert mcnemar(10_000, 12_000) < 1e-30


def test_holm_of_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_images_are_paired_by_name_in_any_order():
    first = predictions_of([("1", "cat", "cat"), ("2", "dog", "cat"), ("3", "dog", "dog")])
    other = predictions_of([("3", "dog", "cat"), ("1", "cat", "cat"), ("2", "dog", "dog")])
    found = paired(first, other)
    assert (found.images, found.gained, found.lost, found.left_out) == (3, 1, 1, 0)
    assert found.difference == 0
    assert found.p == 1


def test_classes_are_compared_by_name_in_any_order():
    rows = [("1", "cat", "cat"), ("2", "dog", "dog")]
    found = paired(predictions_of(rows), predictions_of(rows, classes=("dog", "cat")))
    assert (found.images, found.first_accuracy, found.other_accuracy) == (2, 1, 1)


def test_images_of_one_side_only_or_of_another_class_are_left_out_and_counted():
    first = predictions_of([("1", "cat", "cat"), ("2", "dog", "cat"), ("4", "dog", "dog")])
    other = predictions_of([("1", "cat", "cat"), ("2", "cat", "cat"), ("5", "dog", "dog")])
    found = paired(first, other)
    assert (found.images, found.left_out) == (1, 4)


def test_repeated_images_are_paired_repeatedly():
    rows = [("1", "cat", "cat"), ("1", "cat", "dog")]
    assert paired(predictions_of(rows), predictions_of(rows)).images == 2


def test_no_common_image_is_an_error_with_a_name_of_each():
    with pytest.raises(UserError, match=r"'a\.png'.*'b\.png'"):
        paired(predictions_of([("a.png", "cat", "cat")]), predictions_of([("b.png", "cat", "cat")]))
