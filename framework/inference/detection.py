"""The detector to use for a network: the one that the user names, else the one that its bundle names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.components import Detector
from framework.data.regions import BuiltDetector, parse_detector
from framework.errors import UserError
from framework.recipe.loading import validate_saved_component
from framework.runs.plugins import naming_missing_plugins

if TYPE_CHECKING:
    from framework.registry import Registry
    from framework.runs.trained import Trained

NONE = "none"
"""The value of `--detect` for whole images."""
WHOLE_IMAGES = f"to classify whole images: --detect {NONE}"


def open_detector(requested: str | None, trained: Trained, registry: Registry) -> BuiltDetector | None:
    """The detector that `--detect` requests; if that is None, the one that the bundle names, if any.

    None means that whole images are classified. Raises `UserError` if there is no such detector, or if its plugin or a
    package that it needs is missing.
    """
    if requested == NONE:
        return None
    if requested is not None:
        return BuiltDetector.of(parse_detector(requested, trained.registry(registry)))
    if trained.detector is None:
        return None
    try:
        with naming_missing_plugins(trained.label, trained.documents.get("environment", {}), registry):
            component = validate_saved_component(Detector, trained.detector, registry)
        return BuiltDetector.of(component)
    except UserError as error:
        without = f"{WHOLE_IMAGES} (Python: detect='{NONE}')"
        raise UserError(
            f"{error}\n    '{trained.label}' uses the detector '{trained.detector['name']}'; {without}"
        ) from error
