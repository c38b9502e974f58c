"""Shipped metrics equal their definitions, and scikit-learn where it is installed."""

from itertools import product

import pytest
import torch

from framework import Registry
from framework.components import Metric, build

LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 1, 0, 2])
registry = Registry.load()


def metric(name, **options):
    return build(registry.find(Metric, name)(**options), classes=("a", "b", "c"))


def predictions(number=12, classes=3, seed=0):
    """Probabilities with ties."""
    logits = 2 * torch.randn(number, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return logits.round(decimals=0).softmax(1)


@pytest.mark.parametrize(("weights", "power"), [("none", 0), ("linear", 1), ("quadratic", 2)])
def test_kappa_is_1_minus_observed_over_expected_disagreement(weights, power):
    probabilities = predictions()
    predicted = probabilities.argmax(1).tolist()

    def cost(true, guess):
        return float(true != guess) if power == 0 else abs(true - guess) ** power

    observed = sum(cost(*pair) for pair in zip(LABELS.tolist(), predicted, strict=True)) / 12
    expected = sum(cost(*pair) for pair in product(LABELS.tolist(), predicted)) / 144
    value = metric("cohen_kappa", weights=weights)(probabilities, LABELS).item()
    assert value == pytest.approx(1 - observed / expected)


def test_mcc_of_two_classes_is_the_correlation_and_0_for_constant_predictions():
    probabilities = predictions(60, 2)
    labels = torch.arange(60) % 2
    expected = torch.corrcoef(torch.stack([labels, probabilities.argmax(1)]).double())[0, 1].item()
    assert metric("mcc")(probabilities, labels).item() == pytest.approx(expected)
    assert metric("mcc")(torch.eye(2).double()[[0] * 60], labels) == 0


def test_auroc_is_the_fraction_of_correctly_ordered_pairs_with_ties_as_half():
    probabilities, areas = predictions(), []
    for label in range(3):
        inside, outside = (probabilities[chosen, label].tolist() for chosen in (label == LABELS, label != LABELS))
        areas.append(sum((a > b) + (a == b) / 2 for a, b in product(inside, outside)) / len(inside) / len(outside))
    assert metric("auroc_macro")(probabilities, LABELS).item() == pytest.approx(sum(areas) / 3)


def test_auroc_leaves_out_classes_without_images_and_is_undefined_for_one_class():
    probabilities = predictions()
    without = metric("auroc_macro")(probabilities[LABELS != 2], LABELS[LABELS != 2])
    assert 0 <= without <= 1
    assert metric("auroc_macro")(probabilities, torch.zeros(12, dtype=torch.int64)).isnan()


def test_the_brier_score_is_between_0_and_2():
    certain = torch.eye(3).double()
    assert metric("brier")(certain, torch.arange(3)) == 0
    assert metric("brier")(certain, torch.tensor([1, 2, 0])) == 2
    assert metric("brier")(torch.tensor([[0.5, 0.3, 0.2]]).double(), torch.tensor([0])) == pytest.approx(0.38)


@pytest.mark.parametrize("classes", [3, 7])
def test_metrics_equal_those_of_scikit_learn(classes):
    sklearn = pytest.importorskip("sklearn.metrics")
    probabilities, labels = predictions(200, classes), torch.arange(200) * 7 % 11 % classes
    true, guess = labels.numpy(), probabilities.argmax(1).numpy()
    expected = {
        "cohen_kappa": sklearn.cohen_kappa_score(true, guess),
        "mcc": sklearn.matthews_corrcoef(true, guess),
        "auroc_macro": sklearn.roc_auc_score(true, probabilities.numpy(), multi_class="ovr"),
    }
    assert {name: metric(name)(probabilities, labels).item() for name in expected} == pytest.approx(expected)
    quadratic = metric("cohen_kappa", weights="quadratic")(probabilities, labels).item()
    assert quadratic == pytest.approx(sklearn.cohen_kappa_score(true, guess, weights="quadratic"))
