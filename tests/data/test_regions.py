"""Parts of images: their pixels, and what a detector may give."""

from types import SimpleNamespace

import numpy as np
import pytest

from framework import Region, UserError
from framework.data.regions import cut, regions_of

IMAGE = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)


def test_a_region_is_cut_as_it_is():
    assert cut(IMAGE, Region(1, 1, 2, 2)).tolist() == [[[5, 6], [9, 10]]]


def test_beyond_the_image_its_edge_is_repeated():
    assert cut(IMAGE, Region(-1, -1, 2, 2)).tolist() == [[[0, 0], [0, 0]]]
    assert cut(IMAGE, Region(3, 2, 2, 3)).tolist() == [[[11, 11], [11, 11], [11, 11]]]


def test_numbers_of_numpy_become_python_s_own():
    (region,) = regions_of(IMAGE, lambda image: [Region(*np.array([0, 0, 2, 2]), np.float32(0.5))], "x")
    assert region == Region(0, 0, 2, 2, 0.5)
    assert type(region.x) is int
    assert type(region.score) is float


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Region(4, 0, 2, 2), "for 'x', an image of 4×3 pixels; a region overlaps the image"),
        (Region(0, 0, 0, 2), "for 'x', an image of 4×3 pixels; a side is from 1 to 12 pixels"),
        (Region(-9, 0, 9, 2), "for 'x', an image of 4×3 pixels; a region overlaps the image"),
        (Region(0, 0, 13, 2), "a side is from 1 to 12 pixels, three times the longer side of the image"),
        (Region(0, 0, 2, 2, 1.5), "a score is from 0 to 1"),
        (Region(0, 0, 2, 2, float("nan")), "a score is from 0 to 1"),
        (Region(0.5, 0, 2, 2), "the detector failed on 'x': TypeError"),
        ((0, 0, 2, 2), "the detector failed on 'x': AttributeError"),
    ],
)
def test_what_breaks_the_contract_is_named(given, message):
    with pytest.raises(UserError, match=message):
        regions_of(IMAGE, lambda image: [given], "x")


def test_a_detector_that_fails_says_on_which_image():
    def find(image):
        raise RuntimeError("no memory")

    with pytest.raises(UserError, match="the detector failed on 'x': RuntimeError: no memory"):
        regions_of(IMAGE, find, "x")


def test_what_is_no_region_is_refused():
    with pytest.raises(UserError, match="the detector failed"):
        regions_of(IMAGE, lambda image: SimpleNamespace(), "x")
