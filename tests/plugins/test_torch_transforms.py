import math
from itertools import product

import pytest
import torch
from framework_torch.transforms import (
    TRANSFORMS,
    Brightness,
    Contrast,
    Crop,
    Cutmix,
    Erase,
    Flip,
    Mixup,
    Rotate,
    Scale,
    Shift,
)
from pydantic import ValidationError
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as torchvision

from framework import BatchPosition, BatchRNG
from framework.data.augment import Augmentation
from framework.data.seeding import generator_at

SIZES = [(24, 24), (20, 32)]
BILINEAR = InterpolationMode.BILINEAR


def photos(number=8, channels=3, size=(20, 32), seed=0):
    return torch.rand(number, channels, *size, generator=torch.Generator().manual_seed(seed))


def one_hot(number, classes=8):
    return torch.eye(classes)[torch.arange(number) % classes]


def apply(transform, images, targets=None, seed=0):
    """The batch, augmented by only this transform."""
    targets = one_hot(len(images)) if targets is None else targets
    position = BatchPosition(torch.arange(len(images)), seed=seed)
    return Augmentation([transform], tuple(images.shape[2:]))(images, targets, position)


def matrices(transform, number, size, seed=0):
    stream = Augmentation([transform], size).streams[0]
    return transform.build(image_size=size).matrices(BatchRNG(BatchPosition(torch.arange(number), seed=seed), stream))


@pytest.mark.parametrize("size", SIZES)
def test_shape_type_and_range_do_not_change(size, subtests):
    for kind, channels in product(TRANSFORMS, (1, 3)):
        with subtests.test(kind.name, channels=channels):
            images, targets = apply(kind(), photos(channels=channels, size=size))
            assert images.shape == (8, channels, *size)
            assert images.dtype == torch.float32
            assert images.min() >= 0
            assert images.max() <= 1
            torch.testing.assert_close(targets.sum(dim=1), torch.ones(8))


def test_the_input_batch_is_not_modified(subtests):
    for kind in TRANSFORMS:
        with subtests.test(kind.name):
            images, targets = photos(), one_hot(8)
            apply(kind(), images, targets)
            assert torch.equal(images, photos())
            assert torch.equal(targets, one_hot(8))


def test_randomness_depends_only_on_the_seed_of_the_position(subtests):
    for kind in TRANSFORMS:
        with subtests.test(kind.name):
            torch.manual_seed(0)
            first = apply(kind(), photos(32), seed=3)
            torch.manual_seed(1)
            again, other = apply(kind(), photos(32), seed=3), apply(kind(), photos(32), seed=4)
            assert torch.equal(first[0], again[0])
            assert torch.equal(first[1], again[1])
            assert not torch.equal(first[0], other[0])


def test_each_image_has_its_own_parameters():
    offenders = []
    for kind in set(TRANSFORMS) - {Flip, Mixup, Cutmix}:
        transform = kind(p=1.0) if "p" in kind.model_fields else kind()
        images, _ = apply(transform, photos(1).repeat(12, 1, 1, 1))
        if len({tuple(image.flatten().tolist()) for image in images}) <= 8:
            offenders.append(kind.name)
    assert offenders == []


def test_some_images_are_flipped_and_some_are_not():
    image = photos(1)
    images, _ = apply(Flip(), image.repeat(200, 1, 1, 1))
    flipped = sum(torch.allclose(one, image[0].flip(-1), atol=1e-4) for one in images)
    unchanged = sum(torch.allclose(one, image[0], atol=1e-4) for one in images)
    assert flipped + unchanged == 200
    assert 70 < flipped < 130


def test_probability_zero_changes_nothing(subtests):
    for kind in TRANSFORMS:
        if "p" in kind.model_fields:
            with subtests.test(kind.name):
                images, targets = apply(kind(p=0), photos())
                torch.testing.assert_close(images, photos(), atol=1e-4, rtol=0)  # far below a grey level, 4e-3
                assert torch.equal(targets, one_hot(8))


def test_the_probability_applies_to_each_image():
    images, fractions = photos(400, 1, (12, 12)), {}
    for kind in (Shift, Scale, Rotate, Brightness, Contrast, Erase, Mixup, Cutmix):
        changed = (apply(kind(p=0.3), images)[0] - images).abs().flatten(1).max(dim=1).values > 1e-3
        fractions[kind.name] = changed.float().mean().item()
    assert {name: fraction for name, fraction in fractions.items() if not 0.2 < fraction < 0.4} == {}


@pytest.mark.parametrize("size", SIZES)
def test_flips_are_exact_to_the_grey_level(size):
    levels = torch.randint(0, 256, (4, 3, *size), generator=generator_at(0))
    flipped, _ = apply(Flip(p=1), levels / 255)
    assert torch.equal((flipped * 255).round().long(), levels.flip(-1))


@pytest.mark.parametrize("size", SIZES)
def test_rotation_matches_torchvision(size):
    transform, images = Rotate(degrees=40), photos(size=size)
    rotated, _ = apply(transform, images)
    sampled = matrices(transform, 8, size)
    angles = torch.atan2(sampled[:, 1, 0] * size[0] / size[1], sampled[:, 0, 0]).rad2deg()
    for image, one, angle in zip(images, rotated, angles.tolist(), strict=True):
        inside = torchvision.rotate(torch.ones_like(image), angle, BILINEAR) > 0.999
        expected = torchvision.rotate(image, angle, BILINEAR)
        assert inside.float().mean() > 0.4
        torch.testing.assert_close(one[inside], expected[inside], atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_scaling_matches_torchvision(size):
    transform, images = Scale(fraction=0.5), photos(size=size)
    scaled, _ = apply(transform, images)
    factors = 1 / matrices(transform, 8, size)[:, 0, 0]
    for image, one, factor in zip(images, scaled, factors.tolist(), strict=True):
        inside = torchvision.affine(torch.ones_like(image), 0, [0, 0], factor, [0.0], BILINEAR) > 0.999
        expected = torchvision.affine(image, 0, [0, 0], factor, [0.0], BILINEAR)
        torch.testing.assert_close(one[inside], expected[inside], atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_shifting_matches_torchvision(size):
    transform, images = Shift(fraction=0.3), photos(size=size)
    shifted, _ = apply(transform, images)
    moves = matrices(transform, 8, size)[:, :2, 2] * torch.tensor([size[1], size[0]]) / -2
    for image, one, move in zip(images, shifted, moves.tolist(), strict=True):
        inside = torchvision.affine(torch.ones_like(image), 0, move, 1.0, [0.0], BILINEAR) > 0.999
        expected = torchvision.affine(image, 0, move, 1.0, [0.0], BILINEAR)
        torch.testing.assert_close(one[inside], expected[inside], atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_cropping_selects_whole_pixels_of_the_padded_image(size):
    transform = Crop(padding=3)
    levels = torch.randint(0, 256, (8, 3, *size), generator=generator_at(1))
    cropped, _ = apply(transform, levels / 255)
    moves = matrices(transform, 8, size)[:, :2, 2] * torch.tensor([size[1], size[0]]) / 2
    for image, one, (x, y) in zip(levels, cropped, moves.round().int().tolist(), strict=True):
        padded = torchvision.pad(image, [3], padding_mode="symmetric")
        expected = padded[:, 3 + y : 3 + y + size[0], 3 + x : 3 + x + size[1]]
        assert torch.equal((one * 255).round().long(), expected)


def test_parameters_cover_exactly_their_range():
    size, number = (20, 32), 4000
    angles = matrices(Rotate(degrees=10), number, size)[:, 0, 0].acos().rad2deg()
    factors = 1 / matrices(Scale(fraction=0.2), number, size)[:, 0, 0]
    fractions = matrices(Shift(fraction=0.1), number, size)[:, :2, 2].abs() / 2
    pixels = (matrices(Crop(padding=2), number, size)[:, 0, 2] * size[1] / 2).round()
    assert 9.5 < angles.max() <= 10 + 1e-2
    assert 0.8 <= factors.min() < 0.81
    assert 1.19 < factors.max() <= 1.2 + 1e-6
    assert 0.098 < fractions.max() <= 0.1 + 1e-6
    assert set(pixels.int().tolist()) == {-2, -1, 0, 1, 2}


def test_x_and_y_are_shifted_independently():
    moves = matrices(Shift(fraction=0.5), 500, (24, 24))[:, :2, 2]
    assert torch.corrcoef(moves.T)[0, 1].abs() < 0.2


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_matches_torchvision(channels):
    images = photos(channels=channels) * 0.5 + 0.01
    brighter, _ = apply(Brightness(fraction=0.5), images)
    for image, one in zip(images, brighter, strict=True):
        factor = (one / image).median().item()
        assert 0.5 <= factor <= 1.5
        torch.testing.assert_close(one, torchvision.adjust_brightness(image, factor))


def test_contrast_matches_torchvision():
    images = photos() * 0.3 + 0.35  # nothing is clipped
    changed, _ = apply(Contrast(fraction=0.5), images)
    for image, one in zip(images, changed, strict=True):
        factor = (one.std() / image.std()).item()
        assert 0.5 <= factor <= 1.5
        torch.testing.assert_close(one, torchvision.adjust_contrast(image, factor), atol=1e-4, rtol=0)


def test_contrast_does_not_change_the_mean_of_grayscale_images():
    images = photos(channels=1) * 0.3 + 0.35
    changed, _ = apply(Contrast(fraction=0.5), images)
    torch.testing.assert_close(changed.mean(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3)))


def erased_boxes(transform, size, number=300):
    """Height and width of the erased rectangle of each image."""
    images, _ = apply(transform, torch.full((number, 1, *size), 2.0))  # noise is below 1
    for erased in images[:, 0] != 2:
        rows, columns = erased.any(dim=1).sum().item(), erased.any(dim=0).sum().item()
        assert erased.sum() == rows * columns, "not a rectangle"
        yield rows, columns


@pytest.mark.parametrize("size", [(48, 48), (40, 64)])
@pytest.mark.parametrize(("smallest", "largest"), [(0.02, 0.2), (0.3, 0.3), (0.5, 0.9)])
def test_the_erased_area_is_in_its_range(size, smallest, largest):
    areas = []
    for rows, columns in erased_boxes(Erase(p=1, smallest=smallest, largest=largest), size):
        rounding = ((rows + 0.5) * (columns + 0.5) - rows * columns) / math.prod(size)
        areas.append(rows * columns / math.prod(size))
        assert smallest - rounding <= areas[-1] <= largest + rounding
    middle = (smallest + largest) / 2
    assert sum(areas) / len(areas) == pytest.approx(middle, rel=0.1)


def test_erased_rectangles_cover_the_whole_image():
    images, _ = apply(Erase(p=1), torch.full((4000, 1, 24, 24), 2.0))
    fraction = (images != 2).float().mean(dim=0)[0]
    corners = fraction[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.min() > 0
    assert corners.max() < 4 * corners.min()
    torch.testing.assert_close(fraction, fraction.flip(0), atol=0.03, rtol=0)
    torch.testing.assert_close(fraction, fraction.flip(1), atol=0.03, rtol=0)


def test_erased_pixels_are_independent_noise_in_each_channel():
    images, _ = apply(Erase(p=1, smallest=1, largest=1), torch.full((4, 3, 24, 24), 2.0))
    assert images.max() < 1
    assert not torch.equal(images[:, 0], images[:, 1])


def test_a_smallest_area_above_the_largest_is_an_error():
    with pytest.raises(ValidationError, match=r"'smallest'.*0\.5.*'largest'.*0\.2"):
        Erase(smallest=0.5)


def flat(number):
    """Image i has the constant value i / number and class i."""
    return (torch.arange(number) / number).view(-1, 1, 1, 1).expand(number, 1, 16, 16).clone(), torch.eye(number)


def test_mixup_mixes_images_and_targets_by_the_same_fraction():
    images, targets = flat(16)
    mixed, mixed_targets = apply(Mixup(alpha=1.0), images, targets)
    expected = mixed_targets @ images[:, 0, 0, 0]
    torch.testing.assert_close(mixed, expected.view(-1, 1, 1, 1).expand_as(mixed))
    torch.testing.assert_close(mixed_targets.sum(dim=1), torch.ones(16))
    assert (mixed_targets > 0).sum(dim=1).max() == 2


def test_mixup_fractions_are_at_least_one_half():
    _, mixed_targets = apply(Mixup(alpha=1.0), *flat(64))
    assert mixed_targets.diagonal().min() >= 0.5
    assert len(mixed_targets.diagonal().unique()) > 50


def test_cutmix_mixes_targets_by_the_pasted_area():
    images, targets = flat(64)
    mixed, mixed_targets = apply(Cutmix(p=1), images, targets)
    for index, (image, target) in enumerate(zip(mixed, mixed_targets, strict=True)):
        pasted = image != images[index]
        assert target[index].item() == pytest.approx(1 - pasted.float().mean().item(), abs=1e-6)
        others = image[pasted].unique()
        assert len(others) <= 1
        if len(others):
            assert target[round(others.item() * 64)].item() == pytest.approx(pasted.float().mean().item(), abs=1e-6)


def test_cutmix_areas_follow_the_beta_distribution():
    images, targets = flat(2000)
    _, mixed_targets = apply(Cutmix(p=1, alpha=1.0), images, targets)
    fractions = mixed_targets.diagonal()
    assert fractions.mean().item() == pytest.approx(0.5, abs=0.03)
    assert fractions.var().item() == pytest.approx(1 / 12, rel=0.1)


def test_a_batch_of_one_is_mixed_with_itself():
    for kind in (Mixup, Cutmix):
        images, targets = apply(kind(p=1), photos(1), one_hot(1))
        torch.testing.assert_close(images, photos(1))
        torch.testing.assert_close(targets, one_hot(1))


def mirrored(epoch, number=400, seed=0):
    """Whether an alternating flip mirrors each image in an epoch."""
    flip = Flip(alternate=True).build(image_size=(8, 8))
    return flip.matrices(BatchRNG(BatchPosition(torch.arange(number), seed, epoch), 0))[:, 0, 0] == -1


def test_an_alternating_flip_mirrors_each_image_in_every_other_epoch():
    first = mirrored(0)
    assert 0.4 < first.float().mean() < 0.6
    assert torch.equal(mirrored(1), ~first)
    assert torch.equal(mirrored(2), first)


def test_parameters_do_not_depend_on_the_place_in_the_batch(subtests):
    order = torch.tensor([5, 2, 7, 0, 1, 6, 3, 4])
    images, targets = photos(), one_hot(8)
    by_image = [kind for kind in TRANSFORMS if kind not in (Mixup, Cutmix)]  # these mix the images of a batch
    for transform in [*(kind() for kind in by_image), Flip(alternate=True)]:
        with subtests.test(repr(transform)):
            augment = Augmentation([transform], (20, 32))
            plain, _ = augment(images, targets, BatchPosition(torch.arange(8)))
            shuffled, _ = augment(images[order], targets, BatchPosition(order))
            torch.testing.assert_close(shuffled, plain[order])


def test_the_seed_changes_which_images_are_mirrored():
    assert not torch.equal(mirrored(0, seed=1), mirrored(0))


def test_an_alternating_flip_has_no_probability():
    with pytest.raises(ValidationError, match=r"p.*alternate|alternate.*p"):
        Flip(alternate=True, p=0.3)
