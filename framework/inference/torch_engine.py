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
from framework.evaluation.probabilities import probabilities
from framework.recipe.loading import validate_saved_component
from framework.runs.plugins import naming_missing_plugins
from framework.runs.weights import load_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

    from framework.registry import Registry
    from framework.runs.trained import Trained


@dataclass(frozen=True)
class TorchEngine:
    """An `Engine`: the network with its preprocessing, TTA views and temperature."""

    model: nn.Module
    evaluator: Evaluator
    temperature: float

    @classmethod
    def load(cls, trained: Trained, registry: Registry, device: str) -> TorchEngine:
        """Build the network and load its weights; raises `UserError` if its plugin is not installed."""
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
        evaluator = Evaluator(
            preprocess, where, **saved["evaluation"], component=component, task=trained.task(registry)
        )
        return cls(model, evaluator, trained.temperature)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.evaluator.device

    @property
    def tta(self) -> int:
        """Number of TTA views."""
        return self.evaluator.tta

    def with_tta(self, number: int) -> TorchEngine:
        """The same network with another number of TTA views."""
        return replace(self, evaluator=replace(self.evaluator, tta=number))

    def with_temperature(self, temperature: float) -> TorchEngine:
        """The same network at another temperature."""
        return replace(self, temperature=temperature)

    def __call__(self, images: Tensor) -> Tensor:
        """Logits float32 B×K: the mean over the TTA views, divided by the temperature."""
        preprocess = self.evaluator.preprocess
        if images.shape[1:] != (preprocess.channels, preprocess.height, preprocess.width):
            images = torch.stack([preprocess(image) for image in images.numpy()])
        return self.evaluator.logits(self.model, [images]) / self.temperature

    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities float64 B×K."""
        return probabilities(self(images).double(), self.evaluator.activation)


def network_of(trained: Trained, registry: Registry) -> Model:
    """The model component, without pretrained weights, whose files may be gone; raises `UserError` as `load` does."""
    registry = trained.registry(registry)
    with naming_missing_plugins(trained.label, trained.documents.get("environment", {}), registry):
        component = validate_saved_component(Model, trained.documents["model"]["model"], registry)
    with attributed_to(component, "without_pretrained()"):
        return component.without_pretrained()
