"""Parameter groups: no decay on norms and biases, lower rates for earlier stages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def parameter_groups(
    model: nn.Module, lr: float, weight_decay: float, layer_decay: float | None = None
) -> list[dict[str, Any]]:
    """Groups of the parameters that require gradients, each with `lr` and `weight_decay`.

    Vectors (biases, normalisation weights) are not decayed. With `layer_decay` d, a parameter in stage s of S has the
    rate lr · d^(S-1-s). A stage is a name up to its first number (`layer1` is `layer1.0`'s and `layer1.1`'s apart:
    `layer1.0`, `layer1.1`; `blocks.3`), in the order in which the network defines them.
    """
    trainable = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    stages = stages_of(name for name, _ in model.named_parameters())
    last = len(set(stages.values())) - 1
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in trainable:
        rate = lr if layer_decay is None else lr * layer_decay ** (last - stages[name])
        decay = weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in groups.items()]


def stages_of(names: Iterable[str]) -> dict[str, int]:
    """The number of the stage that each parameter belongs to, counted from the input."""
    order: dict[str, int] = {}
    return {name: order.setdefault(_stage(name), len(order)) for name in names}


def _stage(name: str) -> str:
    parts = name.split(".")
    numbered = next((index for index, part in enumerate(parts) if part.isdigit()), None)
    return parts[0] if numbered is None else ".".join(parts[: numbered + 1])
