"""The columns of a table of predictions have unique names."""

import csv
import io

import pytest

from framework.inference.predictor import Prediction
from framework.report.prediction_text import PredictionFormat, PredictionTable


@pytest.mark.parametrize(
    "classes",
    [
        ("name", "class", "ok", "error"),
        ("name", "p(name)", "p(p(name))"),
        ("guess", "cat"),
        ("x", "score", "height"),
    ],
    ids=str,
)
def test_each_class_has_its_own_column(classes):
    text = io.StringIO()
    probabilities = [1 / (index + 1) for index in range(len(classes))]
    PredictionTable(text, PredictionFormat(classes, abstain_below=0.1, detector="faces")).write(
        Prediction("a.png", probabilities)
    )
    header, row = csv.reader(io.StringIO(text.getvalue()))
    assert len(set(header)) == len(header) == len(row)
    assert row[0] == "a.png"
    assert [float(cell) for cell in row[-1 - len(classes) : -1]] == probabilities


def test_a_column_has_the_name_of_its_class_if_possible():
    assert PredictionTable(io.StringIO(), PredictionFormat(("cat", "guess", "x"))).columns == [
        "name",
        "class",
        "cat",
        "guess",
        "x",
        "error",
    ]
