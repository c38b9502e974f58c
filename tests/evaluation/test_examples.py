from types import SimpleNamespace

import torch

from framework.data.stores.pixels import HeldPixels
from framework.evaluation.examples import choose_examples
from framework.evaluation.predictions import Predictions

CLASSES = ("cat", "dog")


def chosen(number, right, wrong):
    """Of images that are right and wrong, in turns as long as there are both, the surer the later."""
    order = [kind for pair in zip(["r"] * right, ["w"] * wrong, strict=False) for kind in pair]
    order += ["r"] * (right - order.count("r")) + ["w"] * (wrong - order.count("w"))
    labels = torch.arange(len(order)) % 2
    said = torch.tensor([int(label) ^ (kind == "w") for label, kind in zip(labels, order, strict=True)])
    logits = torch.nn.functional.one_hot(said.long(), 2) * (1.0 + torch.arange(len(order)))[:, None]
    images = torch.arange(len(order), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    predictions = Predictions(CLASSES, tuple(map(str, range(len(order)))), labels, logits)
    return choose_examples(predictions, SimpleNamespace(pixels=HeldPixels(images, "memory")), number)


def test_half_of_them_are_wrong_the_surest_first_and_the_rest_is_spread_over_the_right_ones():
    shown = chosen(4, right=6, wrong=6)
    assert [(example.name, example.right) for example in shown] == [
        ("11", False), ("9", False), ("0", True), ("6", True),
    ]  # fmt: skip


def test_where_there_are_few_of_one_sort_there_are_more_of_the_other():
    assert [example.right for example in chosen(4, right=6, wrong=1)] == [False, True, True, True]
    assert [example.right for example in chosen(4, right=0, wrong=6)] == [False] * 4
    assert [example.right for example in chosen(4, right=1, wrong=6)] == [False] * 3 + [True]
    assert len(chosen(40, right=2, wrong=3)) == 5


def test_an_example_has_its_image_label_and_answer():
    example = chosen(1, right=1, wrong=0)[0]
    assert (example.label, example.prediction, example.image.flatten().tolist()) == ("cat", "cat", [0] * 4)
    assert example.probability > 0.5
