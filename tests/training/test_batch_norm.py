"""Recalibration of batch normalisation, compared with `torch.optim.swa_utils.update_bn`."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from framework import ImageArrays
from framework.data.preprocess import Preprocessor
from framework.data.stores.build import build_store
from framework.evaluation.evaluate import Evaluator
from framework.training.batch_norm import recalibrate_bn, spread

PREPROCESS = Preprocessor(8, 8, 1, "crop", (0.4,), (0.2,))
EVALUATOR = Evaluator(PREPROCESS, torch.device("cpu"), batch_size=10)


@pytest.fixture
def store():
    images = np.random.default_rng(0).integers(0, 256, (50, 1, 8, 8), dtype=np.uint8)
    return build_store(ImageArrays(images, [index // 25 for index in range(50)], ("cat", "dog")), PREPROCESS)


@pytest.fixture
def network():
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4, momentum=0.4)
    model = nn.Sequential(*layers)
    model(5 * torch.randn(8, 1, 8, 8))  # other statistics
    return model


def statistics(model):
    return [value for name, value in model.state_dict().items() if "running" in name]


def test_statistics_equal_those_of_update_bn(network, store):
    expected = copy.deepcopy(network)
    lists = spread(50, batches=3, batch_size=10)
    update_bn([EVALUATOR.inputs(images) for images in store.pixels.batches(lists)], expected)
    recalibrate_bn(network, store, EVALUATOR, batches=3)
    for found, wanted in zip(statistics(network), statistics(expected), strict=True):
        torch.testing.assert_close(found, wanted)


def test_parameters_and_momentum_do_not_change_and_the_network_is_in_evaluation_mode(network, store):
    before = copy.deepcopy(dict(network.named_parameters()))
    recalibrate_bn(network, store, EVALUATOR, batches=3)
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())
    assert [network[1].momentum, network[4].momentum] == [0.1, 0.4]
    assert not any(module.training for module in network.modules())


def test_dropout_inside_a_batch_norm_is_off(store):
    class NormWithDropout(nn.BatchNorm2d):
        def __init__(self):
            super().__init__(1)
            self.drop = nn.Dropout(0.9)

        def forward(self, images):
            return self.drop(super().forward(images))

    network = nn.Sequential(NormWithDropout(), nn.Dropout(0.9), nn.BatchNorm2d(1))
    recalibrate_bn(network, store, EVALUATOR, batches=5)
    assert network[2].running_var.item() == pytest.approx(1, rel=1e-2)


def test_frozen_modules_keep_their_statistics(network, store):
    before = copy.deepcopy(network[1].state_dict())
    recalibrate_bn(network, store, EVALUATOR, batches=3, frozen={"1"})
    assert all(torch.equal(value, before[name]) for name, value in network[1].state_dict().items())
    assert network[4].num_batches_tracked == 3


def test_batches_are_spread_evenly_over_the_split():
    lists = spread(100, batches=2, batch_size=10)
    assert [len(indices) for indices in lists] == [10, 10]
    assert sorted(torch.cat(lists).tolist()) == list(range(0, 100, 5))
    assert all(indices.min() < 10 and indices.max() >= 90 for indices in lists)
    everything = spread(25, batches=9, batch_size=10)
    assert sorted(torch.cat(everything).tolist()) == list(range(25))
