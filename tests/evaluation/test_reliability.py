"""The bins of the reliability diagram."""

import pytest
import torch

from framework.evaluation.predictions import Predictions
from framework.evaluation.reliability import reliability


def test_ece_is_the_weighted_mean_of_the_gaps():
    generator = torch.Generator().manual_seed(0)
    logits, labels = 2 * torch.randn(500, 3, generator=generator), torch.randint(0, 3, (500,), generator=generator)
    predictions = Predictions(("a", "b", "c"), tuple(map(str, range(500))), labels, logits)
    bins = reliability(predictions)
    assert sum(found.images for found in bins) == 500
    weighted = sum(found.images * abs(found.accuracy - found.confidence) for found in bins) / 500
    assert weighted == pytest.approx(predictions.metrics()["ece"])


def test_each_bin_has_the_predictions_with_a_confidence_in_it():
    logits = torch.tensor([[0.75, 0.25], [0.45, 0.55], [0.7, 0.3]]).log()
    bins = reliability(Predictions(("a", "b"), ("1", "2", "3"), torch.tensor([0, 1, 1]), logits), bins=5)
    assert [found.images for found in bins] == [0, 0, 1, 2, 0]
    assert (bins[3].low, bins[3].high) == (0.6, 0.8)
    assert (bins[3].confidence, bins[3].accuracy) == pytest.approx((0.725, 0.5))
