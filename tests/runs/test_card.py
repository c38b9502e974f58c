"""The one-line summary of a trained network."""

import pytest

from framework.runs.card import summary
from framework.runs.trained import Trained

METRICS = {"test": {"images": 1000, "top1": 0.941}}


def trained(recipe="", results=METRICS, **model):
    model = {"classes": ["blue", "red"], "evaluation": {"tta": 1}, **model}
    return Trained("run", None, recipe, {"model": model, "results": results})


@pytest.mark.parametrize(
    ("results", "words"),
    [(METRICS, "94.1 % of 1,000 test images"), ({"validation": METRICS["test"]}, "94.1 % of 1,000 validation images")],
)
def test_the_summary_has_classes_and_top1(results, words):
    text = summary(trained(results=results))
    assert text.startswith("2 classes")
    assert text.endswith(words)


def test_without_an_evaluation_the_summary_has_the_classes_only():
    assert summary(trained(results={})) == "2 classes"


@pytest.mark.parametrize("changed", [trained(int8=True), trained("evaluate: {tta: 6}\n")], ids=["int8", "tta"])
def test_the_summary_marks_metrics_that_an_export_changed(changed):
    assert "94.1 %" in summary(changed)
    assert summary(changed) != summary(trained())
    assert "export" in summary(changed)
