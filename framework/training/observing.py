"""The observers of one run behind their hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pluggy

from framework.components import Observer, build
from framework.errors import UserError
from framework.hookspecs import ObserverSpec
from framework.runs.folder import RunFolder


class Observing:
    """Calls the display of the command line and the observers that the recipe names, and nobody else."""

    def __init__(self, observers: Sequence[Observer], run: RunFolder, display: Any) -> None:
        self.display = display
        self.manager = pluggy.PluginManager("framework")
        self.manager.add_hookspecs(ObserverSpec)
        for index, observer in enumerate(observers):
            try:
                self.manager.register(build(observer, run=run), f"{index}:{observer.name}")
                self.manager.check_pending()
            except pluggy.PluginValidationError as error:
                raise UserError(f"observer '{observer.name}': {error}") from None
        self.manager.register(display, "display")

    def tick(self, step: int) -> None:
        """An optimizer step is done; for the display alone, and cheap."""
        self.display.tick(step)

    def __getattr__(self, hook: str) -> Any:
        return getattr(self.manager.hook, hook)
