"""What is said of a trained network in a line."""

import pytest

from framework.runs.card import summary
from framework.runs.trained import Trained

FIGURES = {"test": {"images": 1000, "top1": 0.941}}


def trained(recipe="", results=FIGURES, **model):
    model = {"classes": ["blue", "red"], "evaluation": {"tta": 1}, **model}
    return Trained("run", None, recipe, {"model": model, "results": results})


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (trained(), "2 classes, top-1 94.1 % of 1,000 test images"),
        (trained(results={"validation": FIGURES["test"]}), "2 classes, top-1 94.1 % of 1,000 validation images"),
        (trained(results={}), "2 classes"),
        (trained(int8=True), "2 classes, top-1 94.1 % of 1,000 test images (of the run, before this export)"),
        (
            trained("evaluate: {tta: 6}\n"),
            "2 classes, top-1 94.1 % of 1,000 test images (of the run, before this export)",
        ),
    ],
    ids=["test", "validation", "not evaluated", "8 bits", "other views"],
)
def test_metrics_that_are_not_its_own_are_said_to_be_the_run_s(one, said):
    assert summary(one) == said
