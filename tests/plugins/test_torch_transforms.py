import math

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
    """What a recipe with this transform alone makes of the batch."""
    targets = one_hot(len(images)) if targets is None else targets
    position = BatchPosition(torch.arange(len(images)), seed=seed)
    return Augmentation([transform], tuple(images.shape[2:]))(images, targets, position)


def matrices(transform, number, size, seed=0):
    stream = Augmentation([transform], size).streams[0]
    return transform.build(image_size=size).matrices(BatchRNG(BatchPosition(torch.arange(number), seed=seed), stream))


@pytest.mark.parametrize("kind", TRANSFORMS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_shape_type_and_range_are_kept(kind, channels, size):
    images, targets = apply(kind(), photos(channels=channels, size=size))
    assert images.shape == (8, channels, *size)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(8))


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_the_batch_that_is_given_is_not_written_to(kind):
    images, targets = photos(), one_hot(8)
    before, their_targets = images.clone(), targets.clone()
    apply(kind(), images, targets)
    assert torch.equal(images, before)
    assert torch.equal(targets, their_targets)


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_the_generator_alone_decides(kind):
    torch.manual_seed(0)
    first = apply(kind(), photos(32), seed=3)
    torch.manual_seed(1)
    again, other = apply(kind(), photos(32), seed=3), apply(kind(), photos(32), seed=4)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def sure(kind):
    return kind(p=1.0) if "p" in kind.model_fields else kind()


@pytest.mark.parametrize("kind", [kind for kind in TRANSFORMS if kind not in (Flip, Mixup, Cutmix)])
def test_each_image_has_parameters_of_its_own(kind):
    images, _ = apply(sure(kind), photos(1).repeat(12, 1, 1, 1))
    assert len({tuple(image.flatten().tolist()) for image in images}) > 8


def test_some_images_are_flipped_and_some_are_not():
    image = photos(1)
    images, _ = apply(Flip(), image.repeat(200, 1, 1, 1))
    flipped = sum(torch.allclose(one, image[0].flip(-1), atol=1e-4) for one in images)
    kept = sum(torch.allclose(one, image[0], atol=1e-4) for one in images)
    assert flipped + kept == 200
    assert 70 < flipped < 130


@pytest.mark.parametrize("kind", [kind for kind in TRANSFORMS if "p" in kind.model_fields])
def test_at_probability_zero_nothing_changes(kind):
    images, targets = apply(kind(p=0), photos())
    torch.testing.assert_close(images, photos(), atol=1e-4, rtol=0)  # far below a grey level, 4e-3
    assert torch.equal(targets, one_hot(8))


@pytest.mark.parametrize("kind", [Shift, Scale, Rotate, Brightness, Contrast, Erase, Mixup, Cutmix])
def test_a_probability_is_that_of_each_image(kind):
    images = photos(400, 1, (12, 12))
    changed = (apply(kind(p=0.3), images)[0] - images).abs().flatten(1).max(dim=1).values > 1e-3
    assert 0.2 < changed.float().mean() < 0.4


@pytest.mark.parametrize("size", SIZES)
def test_a_flip_is_exact_to_the_grey_level(size):
    levels = torch.randint(0, 256, (4, 3, *size), generator=generator_at(0))
    flipped, _ = apply(Flip(p=1), levels / 255)
    assert torch.equal((flipped * 255).round().long(), levels.flip(-1))


@pytest.mark.parametrize("size", SIZES)
def test_rotation_is_torchvision_s_by_the_same_angle(size):
    transform, images = Rotate(degrees=40), photos(size=size)
    rotated, _ = apply(transform, images)
    drawn = matrices(transform, 8, size)
    angles = torch.atan2(drawn[:, 1, 0] * size[0] / size[1], drawn[:, 0, 0]).rad2deg()
    for image, one, angle in zip(images, rotated, angles.tolist(), strict=True):
        inside = torchvision.rotate(torch.ones_like(image), angle, BILINEAR) > 0.999
        expected = torchvision.rotate(image, angle, BILINEAR)
        assert inside.float().mean() > 0.4
        torch.testing.assert_close(one[inside], expected[inside], atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_scaling_is_torchvision_s_by_the_same_factor(size):
    transform, images = Scale(fraction=0.5), photos(size=size)
    scaled, _ = apply(transform, images)
    factors = 1 / matrices(transform, 8, size)[:, 0, 0]
    for image, one, factor in zip(images, scaled, factors.tolist(), strict=True):
        inside = torchvision.affine(torch.ones_like(image), 0, [0, 0], factor, [0.0], BILINEAR) > 0.999
        expected = torchvision.affine(image, 0, [0, 0], factor, [0.0], BILINEAR)
        torch.testing.assert_close(one[inside], expected[inside], atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_shifting_is_torchvision_s_by_the_same_pixels(size):
    transform, images = Shift(fraction=0.3), photos(size=size)
    shifted, _ = apply(transform, images)
    moves = matrices(transform, 8, size)[:, :2, 2] * torch.tensor([size[1], size[0]]) / -2
    for image, one, move in zip(images, shifted, moves.tolist(), strict=True):
        inside = torchvision.affine(torch.ones_like(image), 0, move, 1.0, [0.0], BILINEAR) > 0.999
        expected = torchvision.affine(image, 0, move, 1.0, [0.0], BILINEAR)
        torch.testing.assert_close(one[inside], expected[inside], atol=2e-3, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_cropping_takes_whole_pixels_out_of_the_padded_image(size):
    transform = Crop(padding=3)
    levels = torch.randint(0, 256, (8, 3, *size), generator=generator_at(1))
    cropped, _ = apply(transform, levels / 255)
    moves = matrices(transform, 8, size)[:, :2, 2] * torch.tensor([size[1], size[0]]) / 2
    for image, one, (x, y) in zip(levels, cropped, moves.round().int().tolist(), strict=True):
        padded = torchvision.pad(image, [3], padding_mode="symmetric")
        expected = padded[:, 3 + y : 3 + y + size[0], 3 + x : 3 + x + size[1]]
        assert torch.equal((one * 255).round().long(), expected)


def test_parameters_fill_their_range_and_stay_in_it():
    size, number = (20, 32), 4000
    angles = matrices(Rotate(degrees=10), number, size)[:, 0, 0].acos().rad2deg()
    factors = 1 / matrices(Scale(fraction=0.2), number, size)[:, 0, 0]
    shares = matrices(Shift(fraction=0.1), number, size)[:, :2, 2].abs() / 2
    pixels = (matrices(Crop(padding=2), number, size)[:, 0, 2] * size[1] / 2).round()
    assert 9.5 < angles.max() <= 10 + 1e-2
    assert 0.8 <= factors.min() < 0.81
    assert 1.19 < factors.max() <= 1.2 + 1e-6
    assert 0.098 < shares.max() <= 0.1 + 1e-6
    assert set(pixels.int().tolist()) == {-2, -1, 0, 1, 2}


def test_x_and_y_are_shifted_independently():
    moves = matrices(Shift(fraction=0.5), 500, (24, 24))[:, :2, 2]
    assert torch.corrcoef(moves.T)[0, 1].abs() < 0.2


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_is_torchvision_s_by_the_same_factor(channels):
    images = photos(channels=channels) * 0.5 + 0.01
    brighter, _ = apply(Brightness(fraction=0.5), images)
    for image, one in zip(images, brighter, strict=True):
        factor = (one / image).median().item()
        assert 0.5 <= factor <= 1.5
        torch.testing.assert_close(one, torchvision.adjust_brightness(image, factor))


def test_contrast_is_torchvision_s_by_the_same_factor():
    images = photos() * 0.3 + 0.35  # nothing is cut off
    changed, _ = apply(Contrast(fraction=0.5), images)
    for image, one in zip(images, changed, strict=True):
        factor = (one.std() / image.std()).item()
        assert 0.5 <= factor <= 1.5
        torch.testing.assert_close(one, torchvision.adjust_contrast(image, factor), atol=1e-4, rtol=0)


def test_contrast_of_gray_images_keeps_the_mean():
    images = photos(channels=1) * 0.3 + 0.35
    changed, _ = apply(Contrast(fraction=0.5), images)
    torch.testing.assert_close(changed.mean(dim=(1, 2, 3)), images.mean(dim=(1, 2, 3)))


def erased_boxes(transform, size, number=300):
    """Height, width and area of what each image lost."""
    images, _ = apply(transform, torch.full((number, 1, *size), 2.0))  # no noise is 2
    for gone in images[:, 0] != 2:
        rows, columns = gone.any(dim=1).sum().item(), gone.any(dim=0).sum().item()
        assert gone.sum() == rows * columns, "what is erased is no rectangle"
        yield rows, columns


@pytest.mark.parametrize("size", [(48, 48), (40, 64)])
@pytest.mark.parametrize(("smallest", "largest"), [(0.02, 0.2), (0.3, 0.3), (0.5, 0.9)])
def test_the_erased_area_lies_in_its_range(size, smallest, largest):
    shares = []
    for rows, columns in erased_boxes(Erase(p=1, smallest=smallest, largest=largest), size):
        rounding = ((rows + 0.5) * (columns + 0.5) - rows * columns) / math.prod(size)
        shares.append(rows * columns / math.prod(size))
        assert smallest - rounding <= shares[-1] <= largest + rounding
    middle = (smallest + largest) / 2
    assert sum(shares) / len(shares) == pytest.approx(middle, rel=0.1)


def test_erased_rectangles_lie_everywhere():
    images, _ = apply(Erase(p=1), torch.full((4000, 1, 24, 24), 2.0))
    share = (images != 2).float().mean(dim=0)[0]
    corners = share[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.min() > 0
    assert corners.max() < 4 * corners.min()
    torch.testing.assert_close(share, share.flip(0), atol=0.03, rtol=0)
    torch.testing.assert_close(share, share.flip(1), atol=0.03, rtol=0)


def test_what_is_erased_is_noise_of_each_channel():
    images, _ = apply(Erase(p=1, smallest=1, largest=1), torch.full((4, 3, 24, 24), 2.0))
    assert images.max() < 1
    assert not torch.equal(images[:, 0], images[:, 1])


def test_an_erase_range_the_wrong_way_round_is_refused():
    with pytest.raises(ValidationError, match=r"'smallest' is 0.5 and must be at most 'largest', 0.2"):
        Erase(smallest=0.5)


def flat(number):
    """Image i is i / number throughout, with a class of its own."""
    return (torch.arange(number) / number).view(-1, 1, 1, 1).expand(number, 1, 16, 16).clone(), torch.eye(number)


def test_mixup_blends_images_and_targets_by_the_same_share():
    images, targets = flat(16)
    mixed, mixed_targets = apply(Mixup(alpha=1.0), images, targets)
    expected = mixed_targets @ images[:, 0, 0, 0]
    torch.testing.assert_close(mixed, expected.view(-1, 1, 1, 1).expand_as(mixed))
    torch.testing.assert_close(mixed_targets.sum(dim=1), torch.ones(16))
    assert (mixed_targets > 0).sum(dim=1).max() == 2


def test_mixup_keeps_at_least_half_of_each_image():
    _, mixed_targets = apply(Mixup(alpha=1.0), *flat(64))
    assert mixed_targets.diagonal().min() >= 0.5
    assert len(mixed_targets.diagonal().unique()) > 50


def test_cutmix_mixes_targets_by_the_area_that_was_pasted():
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
    kept = mixed_targets.diagonal()
    assert kept.mean().item() == pytest.approx(0.5, abs=0.03)
    assert kept.var().item() == pytest.approx(1 / 12, rel=0.1)


def test_a_batch_of_one_is_mixed_with_itself():
    for kind in (Mixup, Cutmix):
        images, targets = apply(kind(p=1), photos(1), one_hot(1))
        torch.testing.assert_close(images, photos(1))
        torch.testing.assert_close(targets, one_hot(1))


def mirrored(epoch, number=400, seed=0):
    """Which images an alternating flip mirrors in that epoch."""
    flip = Flip(alternate=True).build(image_size=(8, 8))
    return flip.matrices(BatchRNG(BatchPosition(torch.arange(number), seed, epoch), 0))[:, 0, 0] == -1


def test_an_alternating_flip_mirrors_each_image_in_every_other_epoch_half_of_them_in_the_first():
    first = mirrored(0)
    assert 0.4 < first.float().mean() < 0.6
    assert torch.equal(mirrored(1), ~first)
    assert torch.equal(mirrored(2), first)


@pytest.mark.parametrize("transform", [kind() for kind in TRANSFORMS] + [Flip(alternate=True)], ids=repr)
def test_parameters_go_by_the_image_not_by_its_place_in_the_batch(transform):
    if isinstance(transform, (Mixup, Cutmix)):
        pytest.skip("an image is mixed with another of its batch")
    order = torch.tensor([5, 2, 7, 0, 1, 6, 3, 4])
    images, targets = photos(), one_hot(8)
    augment = Augmentation([transform], (20, 32))
    plain, _ = augment(images, targets, BatchPosition(torch.arange(8)))
    shuffled, _ = augment(images[order], targets, BatchPosition(order))
    torch.testing.assert_close(shuffled, plain[order])


def test_another_seed_mirrors_other_images():
    assert not torch.equal(mirrored(0, seed=1), mirrored(0))


def test_an_alternating_flip_has_no_probability():
    with pytest.raises(ValidationError, match="which mirrors every other time"):
        Flip(alternate=True, p=0.3)
