"""The columns of a table of predictions have different names, whatever the classes are called."""

import csv
import io

import pytest

from framework.inference.predictor import Prediction
from framework.report.prediction_text import Form, Table


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
def test_each_class_has_a_column_of_its_own(classes):
    text = io.StringIO()
    probabilities = [1 / (index + 1) for index in range(len(classes))]
    Table(text, Form(classes, abstain_below=0.1, detector="faces")).write(Prediction("a.png", probabilities))
    header, row = csv.reader(io.StringIO(text.getvalue()))
    assert len(set(header)) == len(header) == len(row)
    assert row[0] == "a.png"
    assert [float(cell) for cell in row[-1 - len(classes) : -1]] == probabilities


def test_other_classes_have_columns_of_their_own_names():
    assert Table(io.StringIO(), Form(("cat", "guess", "x"))).columns == ["name", "class", "cat", "guess", "x", "error"]
