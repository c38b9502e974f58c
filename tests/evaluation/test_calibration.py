import pytest
import torch
from torch.nn import functional as F

from framework.evaluation.calibration import LIMITS, calibrate, fit_temperature
from framework.evaluation.predictions import Predictions


def honest(number=20_000, classes=4):
    """Logits whose softmax is how labels were drawn."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(number, classes, generator=generator) * 1.5
    return logits, torch.multinomial(logits.softmax(1), 1, generator=generator).flatten()


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_temperature_is_the_factor_that_logits_were_multiplied_by(factor):
    logits, labels = honest()
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.03)


def test_the_temperature_minimises_the_loss():
    logits, labels = honest(500)
    fitted = fit_temperature(logits * 2.5, labels)
    losses = {
        t: F.cross_entropy(logits.double() * 2.5 / t, labels).item() for t in (0.98 * fitted, fitted, 1.02 * fitted)
    }
    assert min(losses, key=losses.get) == fitted


@pytest.mark.parametrize("scale", [1, 50])
def test_a_perfect_network_gets_the_lowest_temperature_and_a_wrong_one_the_highest(scale):
    labels = torch.arange(40) % 4
    assert fit_temperature(scale * F.one_hot(labels).float(), labels) == pytest.approx(LIMITS[0], rel=1e-3)
    assert fit_temperature(-F.one_hot(labels).float(), labels) == pytest.approx(LIMITS[1], rel=1e-3)


def test_calibration_reports_metrics_before_and_after():
    logits, labels = honest(2000)
    predictions = Predictions(tuple("abcd"), tuple(map(str, range(2000))), labels, logits * 4)
    found = calibrate(predictions, "validation")
    assert found.ece_before == predictions.metrics()["ece"]
    assert found.loss_after == predictions.at_temperature(found.temperature).metrics()["loss"]
    assert found.ece_after < 0.05 < found.ece_before
    assert (found.images, found.split) == (2000, "validation")
