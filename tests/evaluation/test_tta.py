import pytest
import torch

from framework.evaluation.tta import shifted, tta_views


def batch(height=48, width=48):
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("number", [1, 2, 6, 10])
def test_views_differ_have_the_image_s_shape_and_start_with_the_image(number):
    images = batch()
    views = list(tta_views(images, number))
    assert len(views) == number
    assert torch.equal(views[0], images)
    assert all(view.shape == images.shape for view in views)
    assert len({view.numpy().tobytes() for view in views}) == number


@pytest.mark.parametrize("number", [2, 6, 10])
def test_every_second_view_mirrors_the_view_before(number):
    views = list(tta_views(batch(), number))
    for view, mirrored in zip(views[::2], views[1::2], strict=True):
        assert torch.equal(view.flip(3), mirrored)


def test_a_shift_moves_down_and_right_and_repeats_the_edge():
    images = torch.arange(9.0).view(1, 1, 3, 3)
    assert shifted(images, 1, 1)[0, 0].tolist() == [[0, 0, 1], [0, 0, 1], [3, 3, 4]]
    assert shifted(images, -1, 0)[0, 0].tolist() == [[3, 4, 5], [6, 7, 8], [6, 7, 8]]


def test_the_shift_follows_the_image_size():
    for side, pixels in ((24, 1), (48, 2), (96, 4)):
        images = batch(side, side + 10)
        assert torch.equal(list(tta_views(images, 6))[2], shifted(images, pixels, pixels))
