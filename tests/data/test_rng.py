"""The random numbers of batches: their distributions, and what they are functions of."""

import math

import pytest
import torch

from framework import BatchPosition, BatchRNG
from framework.data.rng import DRAWS, hashed, signed

MANY = 40_000
FLOAT_DRAWS = {
    "uniform": lambda rng: rng.uniform(-1, 3),
    "normal": lambda rng: rng.normal(),
    "beta": lambda rng: rng.beta(0.3),
    "chance": lambda rng: rng.chance(0.3),
    "integers": lambda rng: rng.integers(-2, 5),
    "noise": lambda rng: rng.noise(2, 3, 5),
    "coin": lambda rng: rng.coin(),
}


def rng(number=MANY, stream=0, **place):
    return BatchRNG(BatchPosition(torch.arange(number), **place), stream)


def test_the_hash_is_the_finalizer_of_splitmix64():
    def reference(word):
        word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
        return word ^ (word >> 31)

    words = [0, 1, 2, 2**63 - 1, 2**63, 2**64 - 1, 0x0123456789ABCDEF]
    given = torch.tensor([signed(word) for word in words])
    assert hashed(given).tolist() == [signed(reference(word)) for word in words]


def test_uniform_numbers_are_uniform():
    values = rng().uniform(2, 5)
    assert values.min() >= 2
    assert values.max() <= 5
    counts = ((values - 2) / 3 * 20).long().clamp(max=19).bincount(minlength=20).double()
    chi_squared = ((counts - MANY / 20) ** 2 / (MANY / 20)).sum()
    assert chi_squared < 43.8  # 0.1 % of all seeds of 20 bins are above


def test_normal_numbers_are_normal():
    values = rng().normal().double()
    assert abs(values.mean().item()) < 4 / math.sqrt(MANY)
    assert values.var().item() == pytest.approx(1, abs=0.03)
    assert (values.abs() < 1.959964).double().mean().item() == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0])
def test_beta_numbers_have_the_moments_of_their_distribution(alpha):
    values = rng().beta(alpha).double()
    assert values.isfinite().all()
    assert values.min() >= 0
    assert values.max() <= 1
    variance = 1 / (4 * (2 * alpha + 1))
    fourth = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3))
    assert values.mean().item() == pytest.approx(0.5, abs=0.01)
    assert values.var().item() == pytest.approx(variance, rel=0.03)
    assert (values - 0.5).pow(4).mean().item() == pytest.approx(fourth, rel=0.05)


def test_integers_come_equally_often():
    counts = (rng().integers(-2, 5) + 2).bincount(minlength=7)
    assert len(counts) == 7
    assert ((counts - MANY / 7).abs() < 5 * math.sqrt(MANY / 7)).all()


def test_noise_has_every_level_in_every_channel():
    levels = (rng(400).noise(3, 8, 8) * 256).long()
    for channel in levels.unbind(1):
        counts = channel.flatten().bincount(minlength=256)
        assert len(counts) == 256
        assert ((counts - 100).abs() < 60).all()


@pytest.mark.parametrize("shape", [(1, 48, 48), (3, 20, 28), (3, 7, 9)])
def test_noise_in_some_pixels_is_the_noise_of_the_whole_image(shape):
    images = torch.rand(50, *shape)
    where = torch.rand(50, 1, *shape[1:]).round()
    where[::3] = 0
    expected = torch.where(where.bool(), rng(50).noise(*shape), images)
    assert torch.equal(rng(50).with_noise(images, where), expected)


@pytest.mark.parametrize("draw", FLOAT_DRAWS.values(), ids=FLOAT_DRAWS)
def test_an_image_gets_the_same_in_every_batch(draw):
    whole = draw(rng(64))
    part = torch.tensor([40, 3, 17])
    assert torch.equal(draw(BatchRNG(BatchPosition(part), 0)), whole[part])


@pytest.mark.parametrize("draw", FLOAT_DRAWS.values(), ids=FLOAT_DRAWS)
def test_seed_and_transform_decide_what_an_image_gets(draw):
    first = draw(rng(64))
    assert not torch.equal(draw(rng(64, seed=1)), first)
    assert not torch.equal(draw(rng(64, stream=1)), first)
    assert torch.equal(draw(rng(64)), first)


def test_each_epoch_and_each_call_gives_other_numbers():
    one = rng(64)
    draws = [one.uniform() for _ in range(3 * DRAWS)] + [rng(64, epoch=1).uniform()]
    together = torch.stack(draws)
    assert len(together.unique()) == together.numel()
    correlation = torch.corrcoef(torch.stack(list(draws)))
    assert (correlation - torch.eye(len(draws))).abs().max() < 0.6


def test_the_images_of_a_batch_are_independent_of_each_other():
    values = torch.stack([rng(MANY, stream=stream).uniform() for stream in range(4)])
    for lag in (1, 2, 64):
        left, right = values[:, :-lag].flatten(), values[:, lag:].flatten()
        assert abs(torch.corrcoef(torch.stack([left, right]))[0, 1].item()) < 0.02


def test_partners_are_a_permutation_within_each_batch():
    partners = rng(60, batch_size=20).partners()
    for first in (0, 20, 40):
        assert sorted(partners[first : first + 20].tolist()) == list(range(first, first + 20))
    assert (partners[:20] + 20).tolist() != partners[20:40].tolist()


def test_partners_are_those_of_the_batch_however_many_are_augmented_together():
    together = rng(60, batch=6, batch_size=20).partners()
    alone = BatchRNG(BatchPosition(torch.arange(20), batch=7, batch_size=20), 0).partners()
    assert (together[20:40] - 20).tolist() == alone.tolist()
