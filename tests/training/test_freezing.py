"""Frozen parameters, and gradual unfreezing."""

import pytest
import torch
from torch import nn

from framework import stages_of
from framework.training.freezing import Freezing, freeze


@pytest.fixture
def network():
    """Four stages: conv, blocks.0, blocks.1, head; each block has batch normalisation."""
    model = nn.Module()
    model.conv = nn.Conv2d(1, 2, 3)
    model.blocks = nn.Sequential(*(nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)) for _ in range(2)))
    model.head = nn.Linear(2, 2)
    return model


def trained(model):
    return sorted({name.rpartition(".")[0][:8] for name, value in model.named_parameters() if value.requires_grad})


def test_stages_are_counted_from_the_input():
    names = ["conv1.weight", "bn1.bias", "layer1.0.conv.weight", "layer1.0.bn.bias", "layer1.1.conv.weight", "fc.bias"]
    assert list(stages_of(names).values()) == [0, 1, 2, 2, 3, 4]


def test_stages_are_unfrozen_one_by_one_from_the_last(network):
    freezing = Freezing(network, unfreeze_steps=6)
    assert [freezing.open_at(step) for step in range(8)] == [1, 1, 2, 2, 3, 3, 4, 4]
    freezing.train_mode(0)
    assert trained(network) == ["head"]
    freezing.train_mode(2)
    assert trained(network) == ["blocks.1", "head"]
    freezing.train_mode(6)
    assert trained(network) == ["blocks.0", "blocks.1", "conv", "head"]


def test_frozen_stages_keep_their_statistics(network):
    freezing = Freezing(network, unfreeze_steps=6)
    freezing.train_mode(2)
    assert [network.blocks[0][1].training, network.blocks[1][1].training] == [False, True]
    assert list(freezing.frozen_norms) == ["blocks.0.1"]
    freezing.train_mode(6)
    assert network.blocks[0][1].training


def test_frozen_parameters_stay_frozen_and_are_no_stage(network):
    freeze(network, ["conv.*", "blocks.0.0.bias"])
    freezing = Freezing(network, unfreeze_steps=4)
    assert [freezing.open_at(step) for step in range(5)] == [1, 1, 2, 2, 3]
    freezing.train_mode(4)
    assert not network.conv.weight.requires_grad
    assert not network.blocks[0][0].bias.requires_grad
    assert network.blocks[0][0].weight.requires_grad


def test_trained_parameters_are_a_function_of_the_step(network):
    freezing = Freezing(network, unfreeze_steps=6)
    freezing.train_mode(6)
    freezing.train_mode(0)
    assert trained(network) == ["head"]


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_an_optimizer_does_not_change_frozen_stages_with_weight_decay_either(network, decay):
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1, weight_decay=decay)
    before = network.conv.weight.clone()
    Freezing(network, unfreeze_steps=6).train_mode(0)
    network.head(network.blocks(network.conv(torch.ones(2, 1, 4, 4))).mean((2, 3))).sum().backward()
    optimizer.step()
    assert torch.equal(network.conv.weight, before)
    assert network.head.weight.grad is not None


def test_without_unfreezing_all_parameters_are_trained(network):
    freezing = Freezing(network)
    freezing.train_mode(0)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert freezing.frozen_norms == {}
