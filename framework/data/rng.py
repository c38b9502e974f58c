"""Random numbers for a batch of images: a function of (seed, epoch, image, transform), computed on their device.

A counter-based generator needs no state (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). Each
number is a hash of its position, so that it depends neither on the batch size nor on the device, and a GPU never waits
for the CPU. The hash is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", 2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from framework.data.seeding import seed_at

DRAWS = 6
"""Numbers for each image that are computed at a time, enough for most transforms."""


@dataclass(frozen=True)
class BatchPosition:
    """The images of a batch and its position in the training.

    It may consist of several batches of `batch_size` images, which are augmented together.
    """

    indices: Tensor
    """Indices of the training images, int64 B, on the device of the images."""
    seed: int = 0
    """The recipe's seed."""
    epoch: int = 0
    """From 0."""
    batch: int = 0
    """Number of the first batch, counted from the start of the run."""
    batch_size: int | None = None
    """Images in each batch; None: all of them are one batch."""
    progress: float = 0.0
    """Fraction of the run's optimizer steps done before the first batch, in [0, 1)."""
    keys: Tensor | None = None
    """Int64 B: a key for each occurrence, instead of `indices`, if an image may occur several times in an epoch."""

    @cached_property
    def image_keys(self) -> Tensor:
        """Int64 B: 64 random bits for each occurrence of an image."""
        return hashed(
            (self.indices if self.keys is None else self.keys) * GAMMA + seed_at(self.seed, "augment", self.epoch)
        )


class BatchRNG:
    """Random numbers for the images of a batch; each call returns new ones.

    Every transform gets its own generator: adding a transform to a recipe does not change the numbers of the others.
    Each method returns one value for each image, float32 B unless stated otherwise, on the device of the images.
    """

    def __init__(self, position: BatchPosition, stream: int, words: Tensor | None = None) -> None:
        """`stream` distinguishes transforms; `words` are the first random bits, if already computed."""
        self.position = position
        self._stream = stream
        self._words = words
        self._used = 0

    def __len__(self) -> int:
        return len(self.position.indices)

    @property
    def device(self) -> torch.device:
        """The device of the images."""
        return self.position.indices.device

    @property
    def indices(self) -> Tensor:
        """Indices of the training images, int64 B."""
        return self.position.indices

    @property
    def epoch(self) -> int:
        """From 0."""
        return self.position.epoch

    @property
    def seed(self) -> int:
        """The recipe's seed."""
        return self.position.seed

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """In [low, high) up to rounding, in 2^24 steps."""
        return (self._next() >> 40 & 0xFFFFFF).float().mul_((high - low) * 2.0**-24).add_(low)

    def chance(self, p: float) -> Tensor:
        """Bool B, true with probability `p`."""
        return self.uniform() < p

    def integers(self, low: int, high: int) -> Tensor:
        """Int64 B in [low, high)."""
        return self.uniform(0, high - low).long().clamp_(max=high - low - 1) + low

    def normal(self) -> Tensor:
        """Mean 0, standard deviation 1 (Box and Muller, 1958)."""
        radius = (1 - self.uniform()).log_().mul_(-2).sqrt_()
        return radius * self.uniform(0, 2 * math.pi).cos_()

    def beta(self, alpha: float) -> Tensor:
        """From Beta(alpha, alpha), by two uniform numbers.

        Devroye, "Random variate generation in one line of code", 1996, after Bailey, 1994.
        """
        power = (1 - self.uniform()) ** (1 / alpha)
        cosine = self.uniform(0, 2 * math.pi).cos_()
        spread = (cosine.square() + power / (1 - power)).clamp_(min=torch.finfo(torch.float32).tiny).sqrt_()
        return ((1 + cosine / spread) / 2).clamp_(0, 1)

    def coin(self) -> Tensor:
        """Bool B: true for half of the images, and in every epoch the same for an image."""
        return hashed(self.indices * GAMMA + (seed_at(self.seed, "coin") ^ self._stream)) < 0

    def partners(self) -> Tensor:
        """Int64 B: a permutation of the images of each batch, to mix each image with; an image may be its own partner.

        It depends on the batch, because an image is in another batch in each epoch.
        """
        size = self.position.batch_size or len(self)
        rows = torch.arange(len(self) // size, device=self.device)
        seed = seed_at(self.seed, "partners") ^ self._stream
        batches = hashed((rows + self.position.batch) * GAMMA + seed)[:, None]
        order = hashed(batches + torch.arange(size, device=self.device) * GAMMA).argsort(dim=1)
        return (order + rows[:, None] * size).flatten()

    def noise(self, channels: int, height: int, width: int) -> Tensor:
        """Float32 B×C×H×W in [0, 1), in steps of 1/256, one value for each pixel."""
        number = channels * height * width
        words = hashed(self._noise_keys[:, None] + torch.arange(-(-number // 8), device=self.device) * GAMMA)
        return words.view(torch.uint8)[:, :number].reshape(len(self), channels, height, width) / 256

    def with_noise(self, images: Tensor, where: Tensor) -> Tensor:
        """Float32 B×C×H×W: `noise` in the pixels where `where`, float32 B×1×H×W, is 1, and `images` where it is 0.

        The CPU computes the noise of those pixels alone. Another device computes all of it: to find them, the CPU would
        have to wait for it.
        """
        number = images[0].numel()
        if images.device.type != "cpu" or number % 8:
            return torch.lerp(images, self.noise(*images.shape[1:]), where)
        masks = where.bool().expand_as(images).contiguous().view(-1).view(torch.int64)  # a word for 8 pixels
        chosen = masks.nonzero()[:, 0]
        words = self._noise_keys[chosen // (number // 8)] + chosen % (number // 8) * GAMMA
        noise = hashed(words).view(torch.uint8).view(-1, 8) / 256
        changed = images.clone(memory_format=torch.contiguous_format)
        rows = changed.view(-1, 8)
        mask = masks.index_select(0, chosen).view(torch.bool).view(-1, 8)
        rows.index_copy_(0, chosen, torch.where(mask, noise, rows.index_select(0, chosen)))
        return changed

    @property
    def _noise_keys(self) -> Tensor:
        return hashed(self.position.image_keys ^ seed_at(self._stream, "noise"))

    def _next(self) -> Tensor:
        """The next 64 random bits of each image, int64 B."""
        number, place = divmod(self._used, DRAWS)
        if self._words is None or (place == 0 and number > 0):
            self._words = words_of(self.position, self._stream, number * DRAWS)
        self._used += 1
        return self._words[place]


def words_of(position: BatchPosition, stream: int | Tensor, first: int = 0) -> Tensor:
    """The random bits `first` to `first` + `DRAWS` of a stream, int64 DRAWS×B.

    For several streams, int64 T×1×1 on the device, T×DRAWS×B.
    """
    counters = torch.arange(first + 1, first + DRAWS + 1, device=position.indices.device) * GAMMA
    return hashed(position.image_keys + counters[:, None] + stream)


def hashed(words: Tensor) -> Tensor:
    """SplitMix64's finalizer, in place: every bit of the result depends on every bit of an int64."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        words ^= (words >> shift) & ((1 << 64 - shift) - 1)  # as an unsigned word is shifted
        words *= signed(factor)
    words ^= (words >> 31) & ((1 << 33) - 1)
    return words


def signed(word: int) -> int:
    """The int64 with the lowest 64 bits of `word`."""
    return (word + 2**63) % 2**64 - 2**63


GAMMA = signed(0x9E3779B97F4A7C15)
"""The odd number nearest to 2^64 / golden ratio: the step between the words of a stream."""
