"""The callbacks of one run behind their hooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import wraps
from types import SimpleNamespace
from typing import Any

import pluggy

from framework.attribution import attributed_to, fault, origin_of, provider_of, reason_of
from framework.components import Callback, build
from framework.errors import UserError, count
from framework.hookspecs import CallbackSpec
from framework.runs.folder import RunFolder


class Callbacks:
    """Calls the display of the command line and the callbacks that the recipe names, and nobody else."""

    def __init__(self, callbacks: Sequence[Callback], run: RunFolder, display: Any) -> None:
        self.display = display
        self.manager = pluggy.PluginManager("framework")
        self.manager.add_hookspecs(CallbackSpec)
        for index, callback in enumerate(callbacks):
            built = build(callback, run=run, say=display.line)
            if built is None:
                raise fault(callback, "returned None from build()")
            guard = _Essential(callback, display.line) if callback.essential else _Forgiving(callback, display.line)
            try:
                self.manager.register(guard.around(self.manager, built), f"{index}:{callback.name}")
                self.manager.check_pending()
            except pluggy.PluginValidationError as error:
                raise fault(callback, f"has a wrong hook: {error}") from None
        self.manager.register(display, "display")

    def tick(self, step: int) -> None:
        """An optimizer step is done; for the display alone, and cheap."""
        self.display.tick(step)

    def __getattr__(self, hook: str) -> Any:
        return getattr(self.manager.hook, hook)


class _Guard(ABC):
    """Stands between the run and a callback."""

    def __init__(self, callback: Callback, say: Callable[[str, str], None]) -> None:
        self.callback, self.say = callback, say

    def around(self, manager: pluggy.PluginManager, built: object) -> SimpleNamespace:
        """The callback's hooks, each guarded."""
        names = [name for name in dir(built) if manager.parse_hookimpl_opts(built, name) is not None]
        return SimpleNamespace(**{name: self._guarded(name, getattr(built, name)) for name in names})

    @abstractmethod
    def _guarded(self, name: str, hook: Callable[..., None]) -> Callable[..., None]: ...


class _Essential(_Guard):
    """What the callback raises stops the run; where the run stops already, that is what is reported."""

    def _guarded(self, name: str, hook: Callable[..., None]) -> Callable[..., None]:
        @wraps(hook)
        def guarded(*arguments: Any, **named: Any) -> None:
            try:
                with attributed_to(self.callback, f"its hook {name}"):
                    hook(*arguments, **named)
            except UserError as error:
                if name != "run_stopped":
                    raise
                self.say(str(error), "yellow")

        return guarded


class _Forgiving(_Guard):
    """The run can do without the callback: after the start nothing that it raises stops the run."""

    def __init__(self, callback: Callback, say: Callable[[str, str], None]) -> None:
        super().__init__(callback, say)
        self.name = callback.name
        self.told = self.missed = 0

    def _guarded(self, name: str, hook: Callable[..., None]) -> Callable[..., None]:
        @wraps(hook)
        def guarded(*arguments: Any, **named: Any) -> None:
            self.told += 1
            try:
                hook(*arguments, **named)
            except Exception as error:
                if name == "run_start":
                    raise UserError(
                        f"callback '{self.name}' cannot start: {_reason(error)}\n"
                        "    Mend that, or leave it out of `callbacks`, and go on with --resume"
                        f"{origin_of(self.callback)}"
                    ) from error
                self._missed(name, error)
            if self.missed and name in ("run_end", "run_stopped"):
                self.say(f"callback '{self.name}' missed {self.missed} of {count(self.told, 'message')}", "yellow")

        return guarded

    def _missed(self, name: str, error: Exception) -> None:
        self.missed += 1
        if self.missed == 1:
            provider = provider_of(self.callback)
            told = f"callback '{self.name}' failed in {name}: {_reason(error)}; the run goes on"
            self.say(f"{told} (it comes from {provider})" if provider else told, "yellow")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) if isinstance(error, UserError) else reason_of(error)
