"""Parameter groups: no weight decay for biases and norms, lower learning rates for earlier stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework import stages_of, undecayed

if TYPE_CHECKING:
    from torch import nn


def parameter_groups(
    model: nn.Module, lr: float, weight_decay: float, layer_decay: float | None = None
) -> list[dict[str, Any]]:
    """Groups of the parameters that require gradients, each with `lr` and `weight_decay`.

    Parameters in `framework.undecayed` have no weight decay. With `layer_decay` d, stage s of S has the learning
    rate lr · d^(S-1-s); see `framework.stages_of`. Howard and Ruder, 2018 ("discriminative
    fine-tuning"); Bao, Dong, Piao and Wei, "BEiT", 2022.
    """
    trainable = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    stages = stages_of(name for name, _ in model.named_parameters())
    last, left_out = len(set(stages.values())) - 1, undecayed(model)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in trainable:
        rate = lr if layer_decay is None else lr * layer_decay ** (last - stages[name])
        decay = 0.0 if name in left_out else weight_decay
        groups.setdefault((rate, decay), []).append(parameter)
    return [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in groups.items()]
