"""What is told of a network."""

import torch
from torch import nn

from framework.training.network import multiply_adds


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
