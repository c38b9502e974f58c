"""The search for near copies, on thumbnails."""

import numpy as np
import pytest

from framework.data.check.near import REACH, near_pairs


def noise(number, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, 32, 32), dtype=np.uint8)


@pytest.mark.parametrize("number", [0, 1, 2, 50])
def test_noise_is_like_nothing(number):
    assert near_pairs(noise(number), np.arange(number)).tolist() == []


def test_only_the_pictures_that_are_asked_for_are_compared():
    thumbnails = np.concatenate([noise(30), noise(30)])
    assert near_pairs(thumbnails, np.arange(60)).tolist() == [[index, index + 30] for index in range(30)]
    assert near_pairs(thumbnails, np.arange(5, 40)).tolist() == [[index, index + 30] for index in range(5, 10)]


def test_plain_pictures_are_not_compared():
    slope = np.broadcast_to(np.arange(32, dtype=np.uint8) * 4, (10, 32, 32))
    assert near_pairs(slope, np.arange(10)).tolist() == []


def test_the_same_shapes_on_another_background_are_not_the_same_picture():
    shapes = noise(40, 0) // 4
    slope = np.arange(32, dtype=np.uint8) * 5
    thumbnails = np.concatenate([shapes + slope, shapes + slope[::-1]])
    assert near_pairs(thumbnails, np.arange(80)).tolist() == []


def test_pairs_of_very_many_alike_grow_with_their_number_only():
    number = 10 * REACH
    thumbnails = np.repeat(noise(1), number, axis=0)
    pairs = near_pairs(thumbnails, np.arange(number))
    assert len(pairs) <= 8 * REACH * number
    assert set(pairs.ravel().tolist()) == set(range(number))
