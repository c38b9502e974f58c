"""The detector that a bundle names: the documents `detector`, its options, and `environment`, its plugin."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from framework.recipe.saving import plain
from framework.runs.environment import plugin_document

if TYPE_CHECKING:
    from framework.components import Detector
    from framework.registry import Registry
    from framework.runs.trained import Trained


def with_detector(trained: Trained, detector: Detector, registry: Registry) -> Trained:
    """The network with a detector that `predict` and `serve` use for it."""
    plugin = registry.provider(type(detector), detector.name)
    environment = trained.documents.get("environment", {})
    environment = {
        **environment,
        "plugins": {**environment.get("plugins", {}), plugin.name: plugin_document(plugin)},
        "components": {**environment.get("components", {}), detector.kind: {detector.name: plugin.name}},
    }
    return replace(trained, documents={**trained.documents, "environment": environment, "detector": plain(detector)})
