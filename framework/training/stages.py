"""The stages of a network, from input to classifier, derived from the names of its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NUMBERED = re.compile(r"(?:[^.\d]+\.)*(?:\d+|[^.]*\d[^.]*(?:\.\d+)?)(?=\.)")
"""A name up to its first module with a number in it, and the number of a block directly after it: `layer1.0`."""


def stages_of(names: Iterable[str]) -> dict[str, int]:
    """The index of each parameter's stage, counted from the input.

    A stage is a name up to its first module with a number in it (`blocks.3`, `encoder_layer_3`, `inception4a`, a
    ResNet's `layer1.0`), else its first part (`conv_stem`, `head`), in the order in which the network defines them.
    A parameter that returns to an earlier stage (`encoder.ln`, after the encoder's layers) belongs to the last one.
    """
    seen: set[str] = set()
    stages = {}
    for name in names:
        seen.add(_stage(name))
        stages[name] = len(seen) - 1
    return stages


def _stage(name: str) -> str:
    numbered = _NUMBERED.match(name)
    # The second classifier of a distilled network, `head_dist`, belongs to the stage of the first.
    return numbered[0] if numbered else name.split(".")[0].removesuffix("_dist")
