"""The stages of a network, from its input to its classifier, by the names of its parameters."""

from __future__ import annotations

from collections.abc import Iterable


def stages_of(names: Iterable[str]) -> dict[str, int]:
    """The number of the stage that each parameter belongs to, counted from the input.

    A stage is a name up to its first number (`layer1.0` and `layer1.1` of a ResNet are two, `blocks.3`), else its first
    part (`conv1`, `head`), in the order in which the network defines them.
    """
    order: dict[str, int] = {}
    return {name: order.setdefault(_stage(name), len(order)) for name in names}


def _stage(name: str) -> str:
    parts = name.split(".")
    numbered = next((index for index, part in enumerate(parts) if part.isdigit()), None)
    return parts[0] if numbered is None else ".".join(parts[: numbered + 1])
