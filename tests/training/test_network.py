"""Building and checking networks."""

import pytest
import torch
from torch import nn

from framework import UserError
from framework.components import Model
from framework.training.network import build_network, multiply_adds, try_single_images


def test_multiply_adds_of_convolutions_and_matrix_products():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 5 * 7, 4))
    assert multiply_adds(model, 3, (10, 14)) == 5 * 7 * 8 * 3 * 9 + 8 * 5 * 7 * 4


class Attention(nn.Module):
    """Self-attention between the rows of an image."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 2)

    def forward(self, images):
        mixed = nn.functional.scaled_dot_product_attention(images, images, images)
        return self.head(mixed.mean((1, 2)))


def test_multiply_adds_of_attention():
    rows, columns = 5, 6
    assert multiply_adds(Attention(), 1, (rows, columns)) == 2 * rows * rows * columns + columns * 2


def test_counting_does_not_change_weights_and_statistics():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    multiply_adds(model, 1, (6, 6))
    torch.testing.assert_close(model.state_dict(), before)


class Forgetful(Model):
    """Uses a layer that it does not have."""

    name = "forgetful"

    def build(self, num_classes):
        class Network(nn.Linear):
            def forward(self, images):
                return self.head(images)

        return Network(1, num_classes)


def test_a_fault_at_every_size_is_attributed_to_the_options():
    with pytest.raises(UserError) as caught:
        build_network(Forgetful(), 2, 1, (48, 64))
    words = ["model 'forgetful'", "these options", "'Network' object has no attribute 'head'", "1×48×64"]
    assert [word for word in words if word not in str(caught.value)] == []
    assert "preprocess.size" not in str(caught.value)


class Normalised(Model):
    """Batch normalisation of a 1×1 feature map."""

    name = "normalised"

    def build(self, num_classes):
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(1, num_classes))


def test_batch_norm_of_single_values_cannot_be_trained_on_single_images():
    component = Normalised()
    model = component.build(2)
    with pytest.raises(UserError, match=r"model 'normalised'.* 1×6×6 [\s\S]*train\.batch_size"):
        try_single_images(model, component, 1, (6, 6))
    model[1].requires_grad_(False)  # then its statistics are used
    try_single_images(model, component, 1, (6, 6))


def test_trying_single_images_does_not_change_statistics():
    model = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(36, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    try_single_images(model, Normalised(), 1, (6, 6))
    torch.testing.assert_close(model.state_dict(), before)
