"""Averages of the weights, compared with the formulas in the papers."""

import copy

import pytest
import torch

from framework.training.averaging import MovingAverage, NoAveraging, SlowWeights


def test_ema_is_an_exponential_mean_with_warm_up():
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    averaging = MovingAverage(network, decay=0.5)
    expected = 0.0
    for step in range(1, 30):
        torch.nn.init.constant_(network.weight, float(step))
        averaging.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert averaging.model.weight.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("decay", "decay_power"), [(0.5, 0.0), (0.774, 3.0)])
def test_lookahead_follows_the_papers(decay, decay_power):
    network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(1))
    torch.nn.init.zeros_(network[0].weight)
    averaging = SlowWeights(network, every=3, decay=decay, decay_power=decay_power, total_steps=20)
    slow = fast = 0.0
    for step in range(1, 21):
        fast += step  # as an optimizer does
        with torch.no_grad():
            network[0].weight += step
        averaging.update(step)
        if step % 3 == 0:
            slow += (1 - decay * (step / 20) ** decay_power) * (fast - slow)
            fast = slow
        assert averaging.model[0].weight.item() == pytest.approx(slow, rel=1e-5)
        assert network[0].weight.item() == pytest.approx(fast, rel=1e-5)


def test_a_shared_parameter_is_averaged_once():
    network = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False))
    network[1].weight = network[0].weight
    torch.nn.init.zeros_(network[0].weight)
    averaging = SlowWeights(network, every=1, decay=0.5, decay_power=0.0, total_steps=1)
    torch.nn.init.ones_(network[0].weight)
    averaging.update(1)
    assert averaging.model[0].weight.item() == averaging.model[1].weight.item() == 0.5
    assert network[1].weight is network[0].weight


def test_without_averaging_the_network_itself_is_evaluated():
    network = torch.nn.Linear(1, 1)
    before = copy.deepcopy(network.state_dict())
    averaging = NoAveraging(network)
    averaging.update(1)
    assert averaging.model is network
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
