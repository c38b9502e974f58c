"""What is told of a network."""

import pytest
import torch
from torch import nn

from framework import UserError
from framework.components import Model
from framework.training.network import build_network, multiply_adds, try_single_images


def test_multiply_adds_are_those_of_convolutions_and_products():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 5 * 7, 4))
    assert multiply_adds(model, 3, (10, 14)) == 5 * 7 * 8 * 3 * 9 + 8 * 5 * 7 * 4


class Attention(nn.Module):
    """Of an image's rows to each other."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 2)

    def forward(self, images):
        mixed = nn.functional.scaled_dot_product_attention(images, images, images)
        return self.head(mixed.mean((1, 2)))


def test_multiply_adds_of_attention_count_too():
    rows, columns = 5, 6
    assert multiply_adds(Attention(), 1, (rows, columns)) == 2 * rows * rows * columns + columns * 2


def test_counting_leaves_weights_and_statistics_as_they_are():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    multiply_adds(model, 1, (6, 6))
    torch.testing.assert_close(model.state_dict(), before)


class Forgetful(Model):
    """Has no layer that it runs."""

    name = "forgetful"

    def build(self, num_classes):
        class Network(nn.Linear):
            def forward(self, images):
                return self.head(images)

        return Network(1, num_classes)


def test_a_fault_at_every_size_is_not_put_down_to_the_size():
    with pytest.raises(UserError) as caught:
        build_network(Forgetful(), 2, 1, (48, 64))
    assert str(caught.value) == (
        "model 'forgetful' cannot be built or run with these options: 'Network' object has no attribute 'head'\n"
        "    It was tried on 1×48×64 images (channels×height×width), and on all usual sizes"
    )


class Normalised(Model):
    """Of a map of 1×1."""

    name = "normalised"

    def build(self, num_classes):
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(1, num_classes))


def test_a_network_that_normalises_single_values_does_not_train_on_single_images():
    component = Normalised()
    model = component.build(2)
    with pytest.raises(UserError, match="model 'normalised' cannot be trained on batches of one 1×6×6 image: Expected"):
        try_single_images(model, component, 1, (6, 6))
    model[1].requires_grad_(False)  # its statistics stay then, and are used
    try_single_images(model, component, 1, (6, 6))


def test_trying_single_images_leaves_statistics_as_they_are():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(36, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    try_single_images(model, Normalised(), 1, (6, 6))
    torch.testing.assert_close(model.state_dict(), before)
