"""The network itself, in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from framework.attribution import attributed_to
from framework.components import Model, build
from framework.data.preprocess import Preprocessor
from framework.device import choose_device
from framework.evaluation.evaluate import Evaluator
from framework.recipe.loading import validate_component_tree
from framework.runs.plugins import naming_missing_plugins
from framework.runs.weights import load_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.registry import Registry
    from framework.runs.trained import Trained


@dataclass(frozen=True)
class TorchEngine:
    """The network, how images are shown to it, and its temperature; see `predictor.Engine`."""

    model: nn.Module
    evaluator: Evaluator
    temperature: float

    @classmethod
    def load(cls, trained: Trained, registry: Registry, device: str) -> TorchEngine:
        """Build the network and load its weights; raises `UserError` where its plugin is not installed."""
        saved = trained.documents["model"]
        preprocess = Preprocessor.from_dict(saved["preprocess"])
        component = network_of(trained, registry)
        where = choose_device(device)
        model = build(
            component,
            num_classes=len(saved["classes"]),
            channels=preprocess.channels,
            image_size=(preprocess.height, preprocess.width),
            sample=None,
        )
        load_weights(trained.weights, model)
        model = model.to(where).eval()
        if saved["evaluation"]["channels_last"]:
            model = model.to(memory_format=torch.channels_last)
        return cls(model, Evaluator(preprocess, where, **saved["evaluation"], component=component), trained.temperature)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.evaluator.device

    @property
    def tta(self) -> int:
        """How often each image is looked at."""
        return self.evaluator.tta

    def with_tta(self, number: int) -> TorchEngine:
        """The same, with the mean over so many views of each image."""
        return replace(self, evaluator=replace(self.evaluator, tta=number))

    def with_temperature(self, temperature: float) -> TorchEngine:
        """The same, with logits divided by another temperature."""
        return replace(self, temperature=temperature)

    def __call__(self, images: Tensor) -> Tensor:
        """The mean over the views, divided by the temperature."""
        logits = self.evaluator.logits(self.model, [images])
        return logits / self.temperature


def network_of(trained: Trained, registry: Registry) -> Model:
    """The component of its network, without weights that training began with: those need not be there any more."""
    registry = trained.registry(registry)
    with naming_missing_plugins(trained.label, trained.documents.get("environment", {}), registry):
        component = validate_component_tree(Model, trained.documents["model"]["model"], registry)
    with attributed_to(component, "without_pretrained()"):
        return component.without_pretrained()
