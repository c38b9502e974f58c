"""Detector `tiles`."""

import numpy as np
import pytest

from framework import Detector, Registry
from framework.recipe.loading import validate_component

registry = Registry.load()


def tiles(rows, columns, shape):
    options = [f"rows={rows}", f"columns={columns}"]
    find = validate_component(Detector, "tiles", registry, options).build()
    return [(tile.x, tile.y, tile.width, tile.height) for tile in find(np.zeros((3, *shape), np.uint8))]


def test_tiles_are_ordered_row_by_row():
    assert tiles(2, 2, (10, 20)) == [(0, 0, 10, 5), (10, 0, 10, 5), (0, 5, 10, 5), (10, 5, 10, 5)]


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (3, 100)])
def test_every_pixel_is_in_exactly_one_tile(shape):
    counts = np.zeros(shape, int)
    for x, y, width, height in tiles(3, 4, shape):
        counts[y : y + height, x : x + width] += 1
    assert (counts == 1).all()
