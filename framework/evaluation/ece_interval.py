"""The bias-corrected interval of the expected calibration error.

ECE is a sum of absolute gaps, so sampling noise raises it: a perfectly calibrated network has an ECE above 0 on any
finite split, and resampling raises it further. Therefore:

- The estimate is debiased gap by gap, as Kumar, Liang and Ma propose ("Verified Uncertainty Calibration", 2019), with
  normal errors of the gaps.
- The interval includes 0 exactly if ECE is not above the 95 % quantile of a perfectly calibrated network with the same
  confidences (consistency resampling: Bröcker and Smith, "Increasing the Reliability of Reliability Diagrams", 2007).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from framework.evaluation.intervals import Z_95
from framework.evaluation.metrics import ECE_BINS, bin_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

PRIOR_IMAGES = 2
"""Weight of the overall accuracy in a bin's variance, in images: a bin without errors would have no variance."""
ONE_SIDED_95 = 1.644854
HALF_NORMAL_MEAN = math.sqrt(2 / math.pi)
HALF_NORMAL_VARIANCE = 1 - 2 / math.pi
HALF_NORMAL_SKEWNESS = 0.995272
"""Moments of |Z| with Z standard normal."""


def ece_interval(confidence: Tensor, correct: Tensor) -> tuple[float, float]:
    """The 95 % interval of the ECE on infinitely many images; float64 N and bool N.

    The ECE of the N images themselves is above the interval if it is mostly noise.
    """
    images, index = len(confidence), bin_of(confidence).numpy()
    claimed, correctness = confidence.numpy(), correct.numpy().astype(np.float64)
    parts = np.bincount(index, minlength=ECE_BINS) / images
    used = parts > 0
    gaps = np.bincount(index, correctness - claimed, ECE_BINS)[used] / images
    whole = (correctness.sum() + 1) / (images + 2)
    numbers = parts[used] * images
    accuracy = (np.bincount(index, correctness, ECE_BINS)[used] + PRIOR_IMAGES * whole) / (numbers + PRIOR_IMAGES)
    chance = np.bincount(index, claimed * (1 - claimed), ECE_BINS)[used] / images
    observed = float(np.abs(gaps).sum())
    squares = parts[used] * accuracy * (1 - accuracy) + gaps**2 / parts[used]
    errors = np.sqrt((squares - gaps**2) / images)
    debiased = observed - float(_raised(np.abs(gaps), errors).sum())
    margin = Z_95 * math.sqrt(float((errors**2).sum()))
    low = 0.0 if observed <= _highest_by_chance(np.sqrt(chance / images)) else max(0.0, debiased - margin)
    return low, min(1.0, max(0.0, debiased + margin))


def _raised(gaps: NDArray[np.float64], errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """E|g + e·Z| - g for gaps g ≥ 0 with errors e."""
    ratio = gaps / errors
    density = np.exp(-(ratio**2) / 2) / math.sqrt(2 * math.pi)
    beyond = np.array([math.erfc(value / math.sqrt(2)) / 2 for value in ratio])
    raised: NDArray[np.float64] = 2 * (errors * density - gaps * beyond)
    return raised


def _highest_by_chance(errors: NDArray[np.float64]) -> float:
    """The 95 % quantile of Σ e·|Z|, the ECE of a perfectly calibrated network (Cornish and Fisher, 1938)."""
    deviation = math.sqrt(HALF_NORMAL_VARIANCE * float((errors**2).sum()))
    if deviation == 0:
        return 0.0
    skewness = HALF_NORMAL_SKEWNESS * float((errors**3).sum()) / float((errors**2).sum()) ** 1.5
    quantile = ONE_SIDED_95 + skewness * (ONE_SIDED_95**2 - 1) / 6
    highest: float = HALF_NORMAL_MEAN * float(errors.sum()) + quantile * deviation
    return highest
