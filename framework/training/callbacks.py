"""The callbacks and the display of a run, behind their hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

from framework.attribution import attributed_to, fault, origin_of, provider_of, reason_of
from framework.components import Callback, build
from framework.display import Display
from framework.errors import UserError, count, did_you_mean
from framework.hookspecs import CallbackSpec
from framework.runs.folder import RunFolder

if TYPE_CHECKING:
    from framework.recipe.sections import Recipe
    from framework.training.session import Session


class RunDisplay(Display, Protocol):
    """Displays a run. It may also implement hooks of `CallbackSpec`."""

    def begin(self, run: RunFolder, session: Session, step: int) -> None:
        """Training is about to start at optimizer step `step`."""

    def tick(self, step: int) -> None:
        """Optimizer step `step`, from 1, is done. Called for every step, so it must be cheap."""

    def already_finished(self, run: RunFolder, recipe: Recipe, results: Mapping[str, Any]) -> None:
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
            hooks = _GuardedCallback(callback, display).hooks(self.manager, built)
            for name, hook in vars(hooks).items():
                _check_hook(callback, name, hook)
            try:
                self.manager.register(hooks, f"{index}:{callback.name}")
            except pluggy.PluginValidationError as error:
                raise fault(callback, f"has a wrong hook: {error}") from None
        self.manager.register(display, "display")

    def __getattr__(self, hook: str) -> Any:
        return getattr(self.manager.hook, hook)


def _check_hook(callback: Callback, name: str, hook: Callable[..., None]) -> None:
    """Raise `UserError` if `CallbackSpec` has no such hook, or the hook has other arguments."""
    known = [hook for hook in vars(CallbackSpec) if not hook.startswith("_")]
    if name not in known:
        raise fault(callback, f"has an unknown hook '{name}'{did_you_mean(name, known)} (hooks: {', '.join(known)})")
    _, *available = signature(getattr(CallbackSpec, name)).parameters
    for argument in signature(hook).parameters:
        if argument not in available:
            what = f"has an unknown argument '{argument}' in {name}(){did_you_mean(argument, available)}"
            raise fault(callback, f"{what} (arguments: {', '.join(available)})")


class _GuardedCallback:
    """Catches the exceptions of a callback's hooks.

    An exception of an essential callback stops the run, except in `run_stopped`. An exception of another callback stops
    the run in `run_start` only; later ones are counted and printed.
    """

    def __init__(self, callback: Callback, display: Display) -> None:
        self.callback, self.display = callback, display
        self.label = f"callback '{callback.name}'"
        self.calls = self.failures = 0

    def hooks(self, manager: pluggy.PluginManager, built: object) -> SimpleNamespace:
        """The callback's hooks, each guarded."""
        guard = self._essential if self.callback.essential else self._optional
        names = [name for name in dir(built) if manager.parse_hookimpl_opts(built, name) is not None]
        return SimpleNamespace(**{name: wraps(hook := getattr(built, name))(guard(name, hook)) for name in names})

    def _essential(self, name: str, hook: Callable[..., None]) -> Callable[..., None]:
        def guarded(*arguments: Any, **named: Any) -> None:
            try:
                with attributed_to(self.callback, f"its hook {name}"):
                    hook(*arguments, **named)
            except UserError as error:
                if name != "run_stopped":  # the reason for stopping must still be reported
                    raise
                self.display.line(str(error), "yellow")

        return guarded

    def _optional(self, name: str, hook: Callable[..., None]) -> Callable[..., None]:
        def guarded(*arguments: Any, **named: Any) -> None:
            self.calls += 1
            try:
                hook(*arguments, **named)
            except Exception as error:
                self._failed(name, error)
            if self.failures and name in ("run_end", "run_stopped"):
                calls = count(self.calls, "call")
                self.display.line(f"{self.label} failed in {self.failures} of {calls}", "yellow")

        return guarded

    def _failed(self, name: str, error: Exception) -> None:
        reason = " ".join(str(error).split()) if isinstance(error, UserError) else reason_of(error)
        if name == "run_start":
            raise UserError(
                f"{self.label} cannot start: {reason}\n"
                "    Fix this, or remove it from `callbacks`, and continue with --resume"
                f"{origin_of(self.callback)}"
            ) from error
        self.failures += 1
        if self.failures == 1:
            provider = provider_of(self.callback)
            origin = f" (it comes from {provider})" if provider else ""
            self.display.line(f"{self.label} failed in {name}: {reason}; the run continues{origin}", "yellow")
