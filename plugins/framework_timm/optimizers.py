"""Optimizer `timm`: all optimizers of the installed timm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from framework import Optimizer, UserError, did_you_mean, undecayed
from framework_timm._names import optimizers

if TYPE_CHECKING:
    import torch
    from torch import nn


class TimmOptimizer(Optimizer):
    """Any optimizer of timm: `timm/lamb`, `timm/lion`, `timm/adan`, … (`timm.optim.create_optimizer_v2`)."""

    name = "timm"
    shorthand = "algorithm"

    algorithm: str = Field(examples=["lamb"])
    """Name in timm. Names that start with `bnb` or `fused` need CUDA and bitsandbytes or apex."""
    lr: float = Field(1e-3, gt=0)
    """Learning rate."""
    weight_decay: float = Field(0.0, ge=0)
    """Weight decay. Not applied to biases, normalisation weights, and parameters in the model's `no_weight_decay()`; if
    it has none, to class tokens, position embeddings, tables of position biases and layer scale."""
    momentum: float | None = Field(None, ge=0, lt=1)
    """Momentum, for algorithms that have it; default 0.9."""
    layer_decay: float | None = Field(None, gt=0, le=1)
    """Factor of the learning rate from each layer to the previous one; 0.65 to 0.9 for fine-tuning."""
    options: dict[str, bool | int | float | str | list[float]] = Field(default_factory=dict)
    """Further arguments of the algorithm, e.g. `{betas: [0.9, 0.99]}`."""

    @classmethod
    def variants(cls) -> Sequence[str]:
        """The optimizers of the installed timm."""
        return optimizers()

    @field_validator("algorithm")
    @classmethod
    def _is_known(cls, algorithm: str) -> str:
        if algorithm not in optimizers():
            raise ValueError(f"timm has no optimizer '{algorithm}'{did_you_mean(algorithm, optimizers())}")
        return algorithm

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer. Raises `UserError` if it is not available or does not support the options."""
        from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]

        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in self.options.items()
        }
        if self.momentum is not None:
            arguments["momentum"] = self.momentum
        try:
            optimizer: torch.optim.Optimizer = create_optimizer_v2(
                model,
                self.algorithm,
                self.lr,
                self.weight_decay,
                layer_decay=self.layer_decay,
                **arguments,
            )
        except (TypeError, ValueError, RuntimeError, AssertionError, ImportError) as error:
            raise UserError(f"optimizer 'timm/{self.algorithm}' cannot be built with these options: {error}") from error
        if getattr(optimizer, "is_second_order", False):
            _seed_by_step(optimizer)
        _exclude_from_decay(optimizer, model)
        for group in optimizer.param_groups:
            # In timm, only its schedulers apply this factor.
            group["lr"] *= group.get("lr_scale", 1.0)
        return optimizer


def _seed_by_step(optimizer: Any) -> None:
    """Seed AdaHessian's random vectors by the step: its generator is not in checkpoints.

    Raises `UserError` for `update_each` above 1, whose traces are not in checkpoints either.
    """
    if optimizer.update_each > 1:
        raise UserError(
            f"optimizer.options.update_each is {optimizer.update_each}; it must be 1: the state of other values is "
            "not in checkpoints"
        )

    def seed(optimizer: Any, arguments: object, named: object) -> None:
        parameters = list(optimizer.get_params())
        step = max(optimizer.state[parameter]["hessian step"] for parameter in parameters)
        if optimizer.generator.device != parameters[0].device:
            optimizer.generator = type(optimizer.generator)(parameters[0].device)
        optimizer.generator.manual_seed(optimizer.seed + step)

    optimizer.register_step_pre_hook(seed)


def _exclude_from_decay(optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
    """Move parameters that timm decays but should not into groups without weight decay."""
    names = undecayed(model)
    excluded = {id(parameter) for name, parameter in model.named_parameters() if name in names}
    for group in list(optimizer.param_groups):
        moved = [parameter for parameter in group["params"] if id(parameter) in excluded]
        if not moved or not group["weight_decay"]:
            continue
        group["params"] = [parameter for parameter in group["params"] if id(parameter) not in excluded]
        optimizer.add_param_group({**group, "params": moved, "weight_decay": 0.0})
    optimizer.param_groups[:] = [group for group in optimizer.param_groups if group["params"]]
