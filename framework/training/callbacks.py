"""The callbacks and the display of a run, behind their hooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

from framework.attribution import attributed_to, fault, origin_of, provider_of, reason_of
from framework.components import Callback, build
from framework.display import Display
from framework.errors import UserError, count
from framework.hookspecs import CallbackSpec
from framework.runs.folder import RunFolder

if TYPE_CHECKING:
    from framework.training.session import Session


class RunDisplay(Display, Protocol):
    """Displays a run. It may also implement hooks of `CallbackSpec`."""

    def begin(self, run: RunFolder, session: Session, step: int) -> None:
        """Training is about to start at optimizer step `step`."""

    def tick(self, step: int) -> None:
        """Optimizer step `step`, from 1, is done. Called for every step, so it must be cheap."""

    def already_finished(self, run: RunFolder, results: Mapping[str, Any]) -> None:
        """The run to be resumed is finished; `results` is the content of its `results.json`."""


class Callbacks:
    """Calls the hooks of the display and of the recipe's callbacks."""

    def __init__(self, callbacks: Sequence[Callback], run: RunFolder, display: RunDisplay) -> None:
        self.tick = display.tick
        self.manager = pluggy.PluginManager("framework")
        self.manager.add_hookspecs(CallbackSpec)
        for index, callback in enumerate(callbacks):
            built = build(callback, run=run, say=display.line)
            if built is None:
                raise fault(callback, "returned None from build()")
            guard = (_EssentialCallback if callback.essential else _OptionalCallback)(callback, display)
            try:
                self.manager.register(guard.hooks(self.manager, built), f"{index}:{callback.name}")
                self.manager.check_pending()
            except pluggy.PluginValidationError as error:
                raise fault(callback, f"has a wrong hook: {error}") from None
        self.manager.register(display, "display")

    def __getattr__(self, hook: str) -> Any:
        return getattr(self.manager.hook, hook)


class _GuardedCallback(ABC):
    """Catches the exceptions of a callback's hooks."""

    def __init__(self, callback: Callback, display: Display) -> None:
        self.callback, self.display = callback, display

    def hooks(self, manager: pluggy.PluginManager, built: object) -> SimpleNamespace:
        """The callback's hooks, each guarded."""
        names = [name for name in dir(built) if manager.parse_hookimpl_opts(built, name) is not None]
        return SimpleNamespace(**{name: self._guarded(name, getattr(built, name)) for name in names})

    @abstractmethod
    def _guarded(self, name: str, hook: Callable[..., None]) -> Callable[..., None]: ...


class _EssentialCallback(_GuardedCallback):
    """An exception stops the run, except in `run_stopped`, where the reason for stopping must still be reported."""

    def _guarded(self, name: str, hook: Callable[..., None]) -> Callable[..., None]:
        @wraps(hook)
        def guarded(*arguments: Any, **named: Any) -> None:
            try:
                with attributed_to(self.callback, f"its hook {name}"):
                    hook(*arguments, **named)
            except UserError as error:
                if name != "run_stopped":
                    raise
                self.display.line(str(error), "yellow")

        return guarded


class _OptionalCallback(_GuardedCallback):
    """An exception in `run_start` stops the run; later ones are counted and reported, and the run continues."""

    calls = failures = 0

    def _guarded(self, name: str, hook: Callable[..., None]) -> Callable[..., None]:
        callback = f"callback '{self.callback.name}'"

        @wraps(hook)
        def guarded(*arguments: Any, **named: Any) -> None:
            self.calls += 1
            try:
                hook(*arguments, **named)
            except Exception as error:
                reason = " ".join(str(error).split()) if isinstance(error, UserError) else reason_of(error)
                if name == "run_start":
                    raise UserError(
                        f"{callback} cannot start: {reason}\n"
                        "    Fix this, or remove it from `callbacks`, and continue with --resume"
                        f"{origin_of(self.callback)}"
                    ) from error
                self.failures += 1
                if self.failures == 1:
                    provider = provider_of(self.callback)
                    origin = f" (it comes from {provider})" if provider else ""
                    self.display.line(f"{callback} failed in {name}: {reason}; the run continues{origin}", "yellow")
            if self.failures and name in ("run_end", "run_stopped"):
                self.display.line(f"{callback} failed in {self.failures} of {count(self.calls, 'call')}", "yellow")

        return guarded
