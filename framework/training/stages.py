"""The stages of a network, from its input to its classifier, by the names of its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBERED = re.compile(r"(?:[^.\d]+\.)*(?:\d+|[^.]*\d[^.]*(?:\.\d+)?)(?=\.)")
"""A name up to its first module with a number in it; `layer1.0` with the block's, which stands right behind it."""


def stages_of(names: Iterable[str]) -> dict[str, int]:
    """The number of the stage that each parameter belongs to, counted from the input.

    A stage is a name up to its first module with a number in it (`blocks.3`, `encoder_layer_3`, `inception4a`, a
    ResNet's `layer1.0`), else its first part (`conv_stem`, `head`), in the order in which the network defines them.
    What comes back to an earlier stage (`encoder.ln`, behind the encoder's layers) stays with the last one.
    """
    opened: set[str] = set()
    stages = {}
    for name in names:
        opened.add(_stage(name))
        stages[name] = len(opened) - 1
    return stages


def _stage(name: str) -> str:
    numbered = _NUMBERED.match(name)
    # A distilled network's second classifier, `head_dist`, is trained with the first.
    return numbered[0] if numbered else name.split(".")[0].removesuffix("_dist")
