"""Intervals by resampling, against resampling written out."""

import numpy as np
import pytest
import torch

from framework.evaluation.bootstrap import difference_interval, macro_f1_interval
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.metric_intervals import metric_intervals
from framework.evaluation.paired import mcnemar
from framework.evaluation.predictions import Predictions


def predictions_of(logits, labels):
    names = tuple(f"{index}.png" for index in range(len(labels)))
    return Predictions(tuple("abcd"[: logits.shape[1]]), names, labels, logits)


@pytest.fixture
def predictions():
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 4, (150,), generator=generator)
    logits = torch.randn(150, 4, generator=generator)
    logits[torch.arange(150), labels] += 1.5
    return predictions_of(logits, labels)


def test_the_interval_of_macro_f1_follows_from_bias_and_variance_of_resamples(predictions):
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(2000):
        chosen = torch.from_numpy(random.integers(0, len(predictions), len(predictions)))
        drawn.append(predictions_of(predictions.logits[chosen], predictions.labels[chosen]).metrics()["macro_f1"])
    unbiased = 2 * predictions.metrics()["macro_f1"] - np.mean(drawn)
    direct = wilson_interval(unbiased, unbiased * (1 - unbiased) / np.var(drawn))
    assert macro_f1_interval(predictions.confusion(), resamples=2000) == pytest.approx(direct, abs=0.005)


def test_metrics_lie_within_their_intervals(predictions):
    metrics, intervals = predictions.metrics(), metric_intervals(predictions)
    for name in ("balanced_accuracy", "macro_f1"):
        assert intervals[name][0] <= metrics[name] <= intervals[name][1]


def test_intervals_are_deterministic_for_a_seed(predictions):
    assert metric_intervals(predictions) == metric_intervals(predictions)
    assert macro_f1_interval(predictions.confusion(), seed=3) != macro_f1_interval(predictions.confusion(), seed=4)


def test_the_interval_of_ece_includes_zero_for_a_calibrated_network():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(400, 3, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator).flatten()
    assert metric_intervals(predictions_of(logits, labels))["ece"][0] == 0


def test_the_interval_of_a_difference_is_that_of_resampled_pairs():
    random = np.random.default_rng(0)
    first, other = random.random(300) < 0.6, random.random(300) < 0.7
    with_both = np.append(first, [True, False]), np.append(other, [False, True])
    drawn = [
        (with_both[1][chosen].sum() - with_both[0][chosen].sum()) / 300
        for chosen in (random.integers(0, 302, 300) for _ in range(10_000))
    ]
    assert difference_interval(first, other) == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.007)


def test_without_a_difference_the_interval_is_wide_for_few_images_and_narrow_for_many():
    right = np.array([True, False, True] * 10)
    low, high = difference_interval(right, right)
    assert low < 0 < high
    assert difference_interval(np.tile(right, 100), np.tile(right, 100))[1] < high / 50


@pytest.mark.parametrize(("gained", "lost"), [(4, 0), (5, 0), (6, 0), (7, 1), (8, 1), (9, 1), (30, 12), (25, 14)])
def test_the_interval_of_a_difference_agrees_with_mcnemar(gained, lost):
    first, other = np.zeros(1000, dtype=bool), np.zeros(1000, dtype=bool)
    other[:gained] = first[gained : gained + lost] = True
    assert (difference_interval(first, other)[0] > 0) == (mcnemar(gained, lost) < 0.05)


def test_a_split_without_errors_has_intervals_by_formula_only():
    labels = torch.arange(20) % 2
    logits = torch.nn.functional.one_hot(labels, 2).float() * 9
    intervals = metric_intervals(predictions_of(logits, labels))
    assert intervals.keys() == {"balanced_accuracy", "ece"}
    assert intervals["balanced_accuracy"] == pytest.approx(wilson_interval(1.0, 20))
