"""Coverage of the 95 % intervals, measured by seeded simulation: between 93 and 97 %.

The true value is known: labels are drawn from known probabilities, predictions from a known confusion matrix.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from framework.evaluation import bootstrap
from framework.evaluation.bootstrap import difference_interval, macro_f1_interval, percentile_interval
from framework.evaluation.confusion import Confusion
from framework.evaluation.ece_interval import ece_interval
from framework.evaluation.intervals import mean_recall_interval, wilson_interval
from framework.evaluation.metrics import ECE_BINS, bin_of
from framework.evaluation.multilabel_metrics import multilabel_intervals, multilabel_metrics


def coverage(intervals, truth):
    """The percentage of intervals that contain the true value."""
    return 100 * np.mean([low - 1e-12 <= truth <= high + 1e-12 for low, high in intervals])


def is_nominal(percent):
    return 93 <= percent <= 97


def classified(images, classes, sharpness, factor, generator):
    """Confidence, correctness and true probability of a network that multiplies calibrated logits by `factor`."""
    logits = sharpness * torch.randn(images, classes, generator=generator, dtype=torch.float64)
    honest = logits.softmax(1)
    labels = torch.multinomial(honest, 1, generator=generator).flatten()
    confidence, predicted = (factor * logits).softmax(1).max(1)
    return confidence, predicted == labels, honest.gather(1, predicted[:, None])[:, 0]


def true_ece(classes, sharpness, factor):
    """ECE of 300,000 images, with true probabilities instead of labels."""
    confidence, _, right = classified(300_000, classes, sharpness, factor, torch.Generator().manual_seed(9))
    return (torch.bincount(bin_of(confidence), right - confidence, minlength=ECE_BINS).abs().sum() / 3e5).item()


@pytest.mark.parametrize(
    ("images", "classes", "sharpness"), [(100, 5, 1.0), (500, 2, 1.5), (500, 5, 1.0), (1500, 10, 6.0)]
)
def test_ece_of_a_calibrated_network_is_within_its_interval(images, classes, sharpness):
    generator = torch.Generator().manual_seed(1)
    intervals = []
    for _ in range(500):
        confidence, correct, _ = classified(images, classes, sharpness, 1.0, generator)
        intervals.append(ece_interval(confidence, correct))
    assert is_nominal(coverage(intervals, 0.0)), coverage(intervals, 0.0)


@pytest.mark.parametrize(("images", "factor"), [(500, 0.7), (1500, 1.2), (500, 2.5)])
def test_ece_of_an_overconfident_or_underconfident_network_is_within_its_interval(images, factor):
    generator, truth = torch.Generator().manual_seed(2), true_ece(5, 3.0, factor)
    intervals = []
    for _ in range(500):
        confidence, correct, _ = classified(images, 5, 3.0, factor, generator)
        intervals.append(ece_interval(confidence, correct))
    assert is_nominal(coverage(intervals, truth)), coverage(intervals, truth)


def confused(classes, rarest, recall, seed=3):
    """Joint probabilities K×K of true and predicted class; `rarest` is the ratio of the rarest to the largest class."""
    random = np.random.default_rng(seed)
    priors = rarest ** (np.arange(classes) / (classes - 1))
    recalls = np.clip(recall + (1 - recall) * random.uniform(-1, 1, classes), 0.02, 0.999)
    joint = random.dirichlet(np.ones(classes), classes)
    joint[np.eye(classes, dtype=bool)] = 0
    joint *= ((1 - recalls) / joint.sum(1))[:, None]
    joint[np.eye(classes, dtype=bool)] = recalls
    return joint * (priors / priors.sum())[:, None]


SPLITS = {
    "balanced": (confused(7, 1.0, 0.6), 300),
    "some classes rare": (confused(7, 0.1, 0.7), 500),
    "nearly all correct": (confused(7, 0.1, 0.95), 300),
    "few images": (confused(3, 1.0, 0.9), 100),
    "many classes": (confused(20, 0.2, 0.8), 400),
}


@pytest.mark.parametrize("split", SPLITS)
def test_balanced_accuracy_is_within_its_interval(split):
    joint, images = SPLITS[split]
    random = np.random.default_rng(0)
    intervals = []
    for drawn in random.multinomial(images, joint.ravel(), size=500):
        matrix = drawn.reshape(joint.shape)
        tested = matrix.sum(1) > 0
        intervals.append(mean_recall_interval(matrix.diagonal()[tested].tolist(), matrix.sum(1)[tested].tolist()))
    percent = coverage(intervals, (joint.diagonal() / joint.sum(1)).mean())
    assert is_nominal(percent), percent


@pytest.mark.parametrize("split", SPLITS)
def test_macro_f1_is_within_its_interval(split):
    joint, images = SPLITS[split]
    names = tuple(map(str, range(len(joint))))
    random = np.random.default_rng(0)
    intervals = []
    for drawn in random.multinomial(images, joint.ravel(), size=300):
        true, predicted = drawn.reshape(joint.shape).nonzero()
        confusion = Confusion(names, true, predicted, drawn[drawn > 0])
        intervals.append(macro_f1_interval(confusion, resamples=100))
    percent = coverage(intervals, (2 * joint.diagonal() / (joint.sum(0) + joint.sum(1))).mean())
    assert is_nominal(percent), percent


@pytest.mark.parametrize("split", SPLITS)
def test_a_metric_component_is_within_its_interval(split):
    joint, images = SPLITS[split]
    number = len(joint)
    chance = joint.sum(1) @ joint.sum(0)

    def kappa(cells):
        counts = np.bincount(cells, minlength=number**2).reshape(joint.shape)
        expected = counts.sum(1) @ counts.sum(0) / images
        return (counts.trace() - expected) / (images - expected)

    random, cumulated = np.random.default_rng(0), joint.ravel().cumsum() / joint.sum()
    intervals = []
    for _ in range(300):
        cells = cumulated.searchsorted(random.random(images))
        interval = percentile_interval(lambda drawn, cells=cells: kappa(cells[drawn]), images, number, resamples=300)
        intervals.append(interval)
    percent = coverage(intervals, (joint.trace() - chance) / (1 - chance))
    assert is_nominal(percent), percent


@pytest.mark.parametrize(("images", "classes"), [(150, 3), (400, 7)])
def test_a_difference_of_a_metric_component_is_within_its_interval(images, classes):
    """Of the Brier scores of two networks with the same errors, one of them with doubled logits."""

    def scores(number, generator):
        confidence = 2 * torch.randn(number, classes, generator=generator, dtype=torch.float64)
        labels = torch.multinomial(confidence.softmax(1), 1, generator=generator).flatten()
        true = torch.eye(classes, dtype=torch.float64)[labels]
        one, other = ((factor * confidence).softmax(1) for factor in (1, 2))
        return ((other - true).square() - (one - true).square()).sum(1).numpy()

    generator = torch.Generator().manual_seed(0)
    truth = scores(300_000, generator).mean()
    intervals = []
    for _ in range(300):
        drawn = scores(images, generator)
        mean = lambda places, drawn=drawn: float(drawn[places].mean())  # noqa: E731
        intervals.append(percentile_interval(mean, images, classes, resamples=300))
    percent = coverage(intervals, truth)
    assert is_nominal(percent), percent


@pytest.mark.parametrize(("fraction", "images"), [(0.5, 100), (0.62, 3589), (0.9, 200), (0.05, 300)])
def test_a_proportion_is_within_its_interval(fraction, images):
    correct = np.random.default_rng(0).binomial(images, fraction, 2000)
    percent = coverage([wilson_interval(right / images, images) for right in correct.tolist()], fraction)
    assert is_nominal(percent), percent


@pytest.mark.parametrize(("images", "gained", "lost"), [(200, 0.15, 0.05), (1000, 0.1, 0.05), (3000, 0.05, 0.04)])
def test_a_difference_of_two_networks_is_within_its_interval(images, gained, lost):
    random = np.random.default_rng(1)
    intervals = []
    for _ in range(500):
        fate = random.random(images)
        other, first = fate < gained, (fate >= gained) & (fate < gained + lost)
        intervals.append(difference_interval(first, other, resamples=2000))
    percent = coverage(intervals, gained - lost)
    assert is_nominal(percent), percent


@pytest.mark.parametrize(("images", "classes", "sharpness"), [(150, 4, 2.0)])
def test_metrics_of_several_labels_are_within_their_intervals(images, classes, sharpness, monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 200)
    generator = torch.Generator().manual_seed(0)
    whole = several_labels(200_000, classes, sharpness, generator)
    truth, intervals = multilabel_metrics(whole, (whole.logits > 0).long()), {}
    for _ in range(300):
        split = several_labels(images, classes, sharpness, generator)
        for name, interval in multilabel_intervals(split, (split.logits > 0).long()).items():
            intervals.setdefault(name, []).append(interval)
    found = {name: coverage(of_metric, truth[name]) for name, of_metric in intervals.items()}
    assert set(found) == {"map", "micro_f1", "macro_f1", "ranking_loss"}
    assert all(is_nominal(percent) for percent in found.values()), found


def several_labels(images, classes, sharpness, generator):
    """The predictions of a calibrated network; the classes are ever rarer."""
    bias = torch.linspace(0, -3, classes, dtype=torch.float64)
    logits = sharpness * torch.randn(images, classes, generator=generator, dtype=torch.float64) + bias
    labels = (torch.rand(images, classes, generator=generator, dtype=torch.float64) < logits.sigmoid()).long()
    return SimpleNamespace(
        labels=labels, logits=logits.float(), probabilities=logits.sigmoid(), classes=tuple(map(str, range(classes))),
        activation="sigmoid", targets=None, thresholds=None,
    )  # fmt: skip
