import pytest
import torch
from framework_torch.transforms import Brightness, Contrast, Flip, Mixup, Rotate, Scale, Shift
from pydantic import ValidationError
from torchvision.transforms import functional as torchvision

from framework import BatchPosition, BatchRNG, Transform
from framework.data.augment import Augmentation, sampling_grid, warp

SIZE = (20, 32)


def images(number=6, channels=1):
    """Smooth, so that one resampling and two differ little."""
    y, x = torch.meshgrid(torch.arange(SIZE[0]) / 5.0, torch.arange(SIZE[1]) / 7.0, indexing="ij")
    waves = [(torch.sin(x * (1 + 0.1 * i)) * torch.cos(y + i) + 1) / 2 for i in range(number)]
    return torch.stack(waves)[:, None].repeat(1, channels, 1, 1)


def targets(number=6):
    return torch.eye(number)


def augmented(transforms, batch, seed=0):
    return Augmentation(transforms, SIZE)(batch, targets(len(batch)), position(len(batch), seed=seed))


def position(number, **place):
    return BatchPosition(torch.arange(number), **place)


def drawn(what, transforms, number, *given):
    """What each transform of the recipe draws, in their order."""
    streams = Augmentation(transforms, SIZE).streams
    built = [transform.build(image_size=SIZE) for transform in transforms]
    return [
        getattr(step, what)(*given, BatchRNG(position(number), stream))
        for step, stream in zip(built, streams, strict=True)
    ]


def matrices(transforms, number):
    return drawn("matrices", transforms, number)


def inside(matrix):
    """Where an output pixel is taken from well inside of the image."""
    grid = torch.nn.functional.affine_grid(matrix[:, :2], [len(matrix), 1, *SIZE], align_corners=False)
    return (grid.abs() < 0.8).all(dim=-1)[:, None]


def test_no_transforms_change_nothing():
    batch = images()
    unchanged, their_targets = augmented([], batch)
    assert unchanged is batch
    assert torch.equal(their_targets, targets())


def test_bytes_are_augmented_as_the_floats_that_they_stand_for():
    levels = (images(channels=3) * 255).round().to(torch.uint8)
    transforms = [Rotate(), Contrast(), Mixup()]
    of_bytes, of_floats = augmented(transforms, levels), augmented(transforms, levels / 255)
    assert of_bytes[0].dtype == torch.float32
    assert torch.equal(of_bytes[0], of_floats[0])
    assert augmented([], levels)[0].max() <= 1


def test_neighbours_that_are_geometric_are_sampled_once(monkeypatch):
    from framework.data import augment

    calls = []
    sample = augment.F.grid_sample
    monkeypatch.setattr(augment.F, "grid_sample", lambda *args, **kwargs: calls.append(1) or sample(*args, **kwargs))
    augmented([Flip(), Rotate(), Scale(), Brightness(), Shift(), Flip()], images())
    assert len(calls) == 2


def test_composition_multiplies_the_matrices_in_the_order_of_the_recipe():
    transforms = [Rotate(degrees=30), Shift(fraction=0.3), Scale(fraction=0.3), Flip()]
    rotate, shift, scale, flip = matrices(transforms, 6)
    expected = warp(images(), rotate @ shift @ scale @ flip)
    torch.testing.assert_close(augmented(transforms, images())[0], expected)


def test_composition_is_one_transform_after_the_other_where_nothing_comes_from_outside():
    transforms = [Rotate(degrees=30), Shift(fraction=0.2), Scale(fraction=0.2)]
    one_by_one = images()
    product = torch.eye(3).expand(6, 3, 3)
    valid = torch.ones(6, 1, *SIZE, dtype=torch.bool)
    for matrix in matrices(transforms, 6):
        one_by_one = warp(one_by_one, matrix)
        valid = (warp(valid.float(), matrix) > 0.999) & inside(matrix)
        product = product @ matrix
    at_once = augmented(transforms, images())[0]
    valid &= inside(product)
    assert valid.float().mean() > 0.2
    assert (at_once - one_by_one)[valid].abs().max() < 0.05


def test_the_order_of_the_recipe_matters():
    there, back = [Rotate(degrees=90), Shift(fraction=0.4)], [Shift(fraction=0.4), Rotate(degrees=90)]
    assert not torch.allclose(augmented(there, images())[0], augmented(back, images())[0], atol=1e-2)


def test_what_lies_outside_is_reflected():
    batch = torch.zeros(1, 1, 4, 8)
    batch[..., 0] = 1
    shift = torch.eye(3)[None].clone()
    shift[:, 0, 2] = -2 * 2 / 8  # taken from two pixels to the left
    assert warp(batch, shift)[0, 0, 0].round().tolist() == [0, 1, 1, 0, 0, 0, 0, 0]


def test_the_sampling_grid_is_torch_s_own():
    affine = torch.eye(3) + torch.randn(5, 3, 3, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.affine_grid(affine[:, :2], [5, 1, *SIZE], align_corners=False)
    torch.testing.assert_close(sampling_grid(affine, *SIZE), expected)


def levels(transforms, means):
    """What each photometric transform draws, where no image's mean matters."""
    return drawn("levels", transforms, len(means), means)


@pytest.mark.parametrize("channels", [1, 3])
def test_neighbours_that_are_photometric_equal_torchvision_s_one_after_the_other(channels):
    transforms = [Brightness(fraction=0.2), Contrast(fraction=0.4), Brightness(fraction=0.2)]
    batch = images(channels=channels) * 0.2 + 0.4  # nothing is cut off on the way
    first, contrast, last = (factor for factor, _ in levels(transforms, torch.zeros(6)))
    changed = augmented(transforms, batch)[0]
    for index, (image, one) in enumerate(zip(batch, changed, strict=True)):
        expected = torchvision.adjust_brightness(image, first[index].item())
        expected = torchvision.adjust_contrast(expected, contrast[index].item())
        expected = torchvision.adjust_brightness(expected, last[index].item())
        torch.testing.assert_close(one, expected, atol=1e-4, rtol=0)


def test_values_are_cut_once_after_all_photometric_neighbours():
    class Double(Transform):
        name = "double"

        def build(self):
            return Factor(2.0)

    class Halve(Transform):
        name = "halve"

        def build(self):
            return Factor(0.5)

    torch.testing.assert_close(augmented([Double(), Halve()], images())[0], images())
    assert augmented([Double()], images())[0].max() == 1


class Factor:
    def __init__(self, factor):
        self.factor = factor

    def levels(self, means, rng):
        return torch.full_like(means, self.factor), torch.zeros_like(means)


@pytest.mark.parametrize("channels", [1, 3])
def test_white_stays_white_and_within_range(channels):
    white = torch.ones(8, channels, *SIZE)
    moved, _ = augmented([Rotate(degrees=180), Scale(fraction=0.9), Shift(fraction=1.0)], white)
    assert moved.max() <= 1
    torch.testing.assert_close(moved, white)


def test_targets_follow_a_transform_that_changes_them():
    mixed, their_targets = augmented([Flip(p=0), Mixup(alpha=5.0)], images())
    assert not torch.equal(their_targets, targets())
    assert not torch.allclose(mixed, images(), atol=1e-2)


def test_a_stranger_s_transform_is_a_plain_function():
    class Invert(Transform):
        name = "invert"

        def build(self):
            return lambda images, targets, rng: (1 - images, targets)

    torch.testing.assert_close(augmented([Invert()], images())[0], 1 - images())


def at(progress, transforms, batch):
    return Augmentation(transforms, SIZE)(batch, targets(len(batch)), position(len(batch), progress=progress))


def test_a_transform_acts_in_its_share_of_the_training_alone():
    batch, mixing = images(), Mixup(after=0.25, until=0.75)
    for progress in (0.0, 0.24, 0.75, 0.99):
        assert torch.equal(at(progress, [mixing], batch)[1], targets())
    for progress in (0.25, 0.74):
        torch.testing.assert_close(at(progress, [mixing], batch), at(0.0, [Mixup()], batch))


def test_neighbours_are_sampled_once_whatever_stood_between_them_before(monkeypatch):
    from framework.data import augment

    calls = []
    sample = augment.F.grid_sample
    monkeypatch.setattr(augment.F, "grid_sample", lambda *args, **kwargs: calls.append(1) or sample(*args, **kwargs))
    transforms = [Flip(), Mixup(until=0.5), Rotate()]
    at(0.4, transforms, images())
    assert len(calls) == 2
    at(0.5, transforms, images())
    assert len(calls) == 3


def test_a_share_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValidationError, match="'until'"):
        Flip(after=0.8, until=0.5)
