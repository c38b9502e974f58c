"""Classes by their probability."""

from __future__ import annotations

from collections.abc import Sequence


def ranked(classes: Sequence[str], probabilities: Sequence[float]) -> list[tuple[str, float]]:
    """Every class with its probability, highest first; empty if there are no probabilities."""
    if not probabilities:
        return []
    return sorted(zip(classes, probabilities, strict=True), key=lambda pair: -pair[1])
