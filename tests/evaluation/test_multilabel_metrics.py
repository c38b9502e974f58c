"""Metrics of several labels per image, compared with their definitions."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from framework.evaluation.average_precision import AveragePrecision
from framework.evaluation.multilabel_metrics import multilabel_intervals, multilabel_metrics
from framework.evaluation.thresholds import best_thresholds

RANDOM = np.random.default_rng(0)


def split(images=60, classes=4, ties=False, seed=0):
    random = np.random.default_rng(seed)
    labels = (random.random((images, classes)) < [0.5, 0.3, 0.1, 0.2][:classes]).astype(np.int64)
    logits = random.normal(size=labels.shape) + labels
    logits = np.round(logits) if ties else logits
    tensors = {"labels": torch.from_numpy(labels), "logits": torch.from_numpy(logits).float()}
    probabilities = tensors["logits"].double().sigmoid()
    return SimpleNamespace(
        **tensors, probabilities=probabilities, classes=tuple("abcd"[:classes]), activation="sigmoid", targets=None,
        thresholds=None,
    )  # fmt: skip


def predicted(found):
    return (found.logits > 0).long()


def average_precision(scores, truth):
    """The mean over positives of the precision among all images with at least their score."""
    return np.mean([truth[scores >= score].mean() for score in scores[truth > 0]])


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_matches_its_definition(ties):
    found = split(ties=ties)
    scores, labels = found.logits.double().numpy(), found.labels.numpy()
    expected = [average_precision(scores[:, column], labels[:, column]) for column in range(4)]
    np.testing.assert_allclose(AveragePrecision(scores, labels).of_classes(), expected)


def test_weights_of_average_precision_are_repetitions():
    found = split(ties=True)
    scores, labels = found.logits.double().numpy(), found.labels.numpy()
    drawn = RANDOM.integers(60, size=60)
    weighted = AveragePrecision(scores, labels).of_classes(np.bincount(drawn, minlength=60))
    np.testing.assert_allclose(weighted, AveragePrecision(scores[drawn], labels[drawn]).of_classes())


def test_a_class_without_images_is_undefined_and_not_counted():
    found = split()
    found.labels[:, 3] = 0
    metrics = multilabel_metrics(found, predicted(found))
    assert metrics["per_class"]["d"]["average_precision"] is None
    assert metrics["per_class"]["d"]["support"] == 0
    of_others = [metrics["per_class"][name]["average_precision"] for name in "abc"]
    assert metrics["map"] == pytest.approx(np.mean(of_others))
    assert metrics["tested_classes"] == 3


@pytest.mark.parametrize("ties", [False, True])
def test_all_metrics_match_their_definitions(ties):
    found = split(ties=ties)
    labels, chosen, logits = found.labels.numpy(), predicted(found).numpy(), found.logits.double().numpy()
    metrics = multilabel_metrics(found, predicted(found))
    both, total = (labels & chosen).sum(0), labels.sum(0) + chosen.sum(0)
    assert metrics["micro_f1"] == pytest.approx(2 * both.sum() / total.sum())
    assert metrics["macro_f1"] == pytest.approx((2 * both / total).mean())
    assert metrics["subset_accuracy"] == pytest.approx((labels == chosen).all(1).mean())
    assert metrics["label_accuracy"] == pytest.approx((labels == chosen).mean())
    bce = np.log1p(np.exp(logits)) - labels * logits
    assert metrics["loss"] == pytest.approx(bce.sum(1).mean())
    losses = []
    for scores, truth in zip(logits, labels, strict=True):
        pairs = [(p, n) for p, n in product(range(4), range(4)) if truth[p] and not truth[n]]
        if pairs:
            losses.append(np.mean([(scores[p] < scores[n]) + 0.5 * (scores[p] == scores[n]) for p, n in pairs]))
    assert metrics["ranking_loss"] == pytest.approx(np.mean(losses))


def test_thresholds_have_the_best_f1_of_each_class():
    found = split()
    thresholds = best_thresholds(found.logits, found.labels).numpy()
    for scores, truth, threshold in zip(found.logits.numpy().T, found.labels.numpy().T, thresholds, strict=True):

        def f1(limit, scores=scores, truth=truth):
            chosen = scores > limit
            return 2 * (chosen & (truth > 0)).sum() / (chosen.sum() + truth.sum())

        assert f1(threshold) == max(f1(limit) for limit in [-9.0, *scores])
        assert threshold not in scores


def test_a_class_without_images_has_the_default_threshold():
    assert best_thresholds(torch.randn(5, 1), torch.zeros(5, 1, dtype=torch.int64)).tolist() == [0.0]


def test_intervals_contain_their_metrics_and_are_deterministic():
    found = split(images=200)
    metrics, intervals = multilabel_metrics(found, predicted(found)), multilabel_intervals(found, predicted(found))
    assert set(intervals) == {"map", "micro_f1", "macro_f1", "ranking_loss"}
    assert all(low < metrics[name] < high for name, (low, high) in intervals.items())
    assert intervals == multilabel_intervals(found, predicted(found))
