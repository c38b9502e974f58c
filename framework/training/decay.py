"""Parameters without weight decay: those that scale, shift or embed rather than mix features."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

NAMES = (
    "*_token", "*pos_embed*", "*position_embed*", "*bias_table*", "attention_biases", "*layer_scale*", "gamma*",
    "*logit_scale*", "temperature", "cpb_mlp",
)  # fmt: skip
"""Parts of names: class tokens, position embeddings, relative position biases, layer scale, temperatures."""


def undecayed(model: nn.Module) -> frozenset[str]:
    """The names of the parameters that should have no weight decay.

    These are biases and vectors; the parameters that a module's method `no_weight_decay()` lists, as timm's networks
    have; in other modules, parameters named like a token, a position embedding, a bias table or a layer scale, and
    vectors with further dimensions of size 1.
    """
    listed = _listed(model)
    return frozenset(name for name, parameter in model.named_parameters() if _has_no_decay(name, parameter, listed))


def _listed(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """The patterns of each outermost module with `no_weight_decay`, by the prefix of its parameters' names."""
    found: dict[str, tuple[str, ...]] = {}
    for path, module in model.named_modules():
        prefix = f"{path}." if path else ""
        no_decay = getattr(module, "no_weight_decay", None)
        if no_decay is not None and not any(prefix.startswith(outer) for outer in found):
            patterns: Iterable[str] = no_decay() if callable(no_decay) else no_decay
            found[prefix] = tuple(patterns)
    return found


def _has_no_decay(name: str, parameter: nn.Parameter, listed: dict[str, tuple[str, ...]]) -> bool:
    if parameter.ndim <= 1 or name.endswith(".bias"):
        return True
    for prefix, patterns in listed.items():
        if name.startswith(prefix):
            return any(fnmatchcase(name.removeprefix(prefix), pattern) for pattern in patterns)
    parts = name.split(".")
    if any(fnmatchcase(part, pattern) for part in parts for pattern in NAMES):
        return True
    return parts[-1] != "weight" and sum(size > 1 for size in parameter.shape) <= 1
