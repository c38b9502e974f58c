from types import SimpleNamespace

import torch

from framework.data.stores.store import HeldPixels
from framework.evaluation.examples import choose_examples
from framework.evaluation.predictions import Predictions

CLASSES = ("cat", "dog")


def chosen(number, right, wrong):
    """Of images that are right and wrong, in turns as long as there are both, the surer the later."""
    order = [kind for pair in zip(["r"] * right, ["w"] * wrong, strict=False) for kind in pair]
    order += ["r"] * (right - order.count("r")) + ["w"] * (wrong - order.count("w"))
    labels = torch.arange(len(order)) % 2
    predicted = torch.tensor([int(label) ^ (kind == "w") for label, kind in zip(labels, order, strict=True)])
    logits = torch.nn.functional.one_hot(predicted.long(), 2) * (1.0 + torch.arange(len(order)))[:, None]
    images = torch.arange(len(order), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    predictions = Predictions(CLASSES, tuple(map(str, range(len(order)))), labels, logits)
    return choose_examples(predictions, SimpleNamespace(pixels=HeldPixels(images, "memory")), number)


def test_half_are_misclassified_most_confident_first_and_the_rest_is_spread_over_correct_images():
    shown = chosen(4, right=6, wrong=6)
    assert [(example.name, example.correct) for example in shown] == [
        ("11", False), ("9", False), ("0", True), ("6", True),
    ]  # fmt: skip


def test_too_few_of_one_kind_are_filled_up_with_the_other():
    assert [example.correct for example in chosen(4, right=6, wrong=1)] == [False, True, True, True]
    assert [example.correct for example in chosen(4, right=0, wrong=6)] == [False] * 4
    assert [example.correct for example in chosen(4, right=1, wrong=6)] == [False] * 3 + [True]
    assert len(chosen(40, right=2, wrong=3)) == 5


def test_an_example_has_its_image_label_and_prediction():
    example = chosen(1, right=1, wrong=0)[0]
    assert (example.label, example.prediction, example.image.flatten().tolist()) == ("cat", "cat", [0] * 4)
    assert example.probability > 0.5
