"""The observers of one run behind their hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from types import SimpleNamespace
from typing import Any

import pluggy

from framework.components import Observer, build
from framework.errors import UserError, count
from framework.hookspecs import ObserverSpec
from framework.runs.folder import RunFolder


class Observing:
    """Calls the display of the command line and the observers that the recipe names, and nobody else."""

    def __init__(self, observers: Sequence[Observer], run: RunFolder, display: Any) -> None:
        self.display = display
        self.manager = pluggy.PluginManager("framework")
        self.manager.add_hookspecs(ObserverSpec)
        for index, observer in enumerate(observers):
            built = build(observer, run=run, say=display.line)
            if not observer.essential:
                built = _Forgiving(observer.name, display.line).around(self.manager, built)
            try:
                self.manager.register(built, f"{index}:{observer.name}")
                self.manager.check_pending()
            except pluggy.PluginValidationError as error:
                raise UserError(f"observer '{observer.name}': {error}") from None
        self.manager.register(display, "display")

    def tick(self, step: int) -> None:
        """An optimizer step is done; for the display alone, and cheap."""
        self.display.tick(step)

    def __getattr__(self, hook: str) -> Any:
        return getattr(self.manager.hook, hook)


class _Forgiving:
    """Stands between the run and an observer that the run can do without."""

    def __init__(self, name: str, say: Callable[[str, str], None]) -> None:
        self.name, self.say = name, say
        self.told = self.missed = 0

    def around(self, manager: pluggy.PluginManager, observer: object) -> SimpleNamespace:
        """The observer's hooks, none of which raises anything after the start."""
        names = [name for name in dir(observer) if manager.parse_hookimpl_opts(observer, name) is not None]
        return SimpleNamespace(**{name: self._guarded(name, getattr(observer, name)) for name in names})

    def _guarded(self, name: str, hook: Callable[..., None]) -> Callable[..., None]:
        @wraps(hook)
        def guarded(*arguments: Any, **named: Any) -> None:
            self.told += 1
            try:
                hook(*arguments, **named)
            except Exception as error:
                if name == "run_start":
                    raise UserError(
                        f"observer '{self.name}' cannot start: {_reason(error)}\n"
                        "    Mend that, or leave it out of `observers`, and go on with --resume"
                    ) from error
                self._missed(name, error)
            if self.missed and name in ("run_end", "run_stopped"):
                self.say(f"observer '{self.name}' missed {self.missed} of {count(self.told, 'message')}", "yellow")

        return guarded

    def _missed(self, name: str, error: Exception) -> None:
        self.missed += 1
        if self.missed == 1:
            self.say(f"observer '{self.name}' failed in {name}: {_reason(error)}; the run goes on", "yellow")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"[:500]
