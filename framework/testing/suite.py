"""The conformance suite: which checks apply to which component, and their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from framework.attribution import ComponentFault, reason_of
from framework.components import KINDS, Component
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.plugin import Plugin
from framework.registry import Registry
from framework.testing import (
    callbacks,
    datasets,
    declaration,
    detectors,
    exporters,
    loading,
    losses,
    methods,
    metrics,
    models,
    optimizers,
    tasks,
)
from framework.testing import transforms as transform_checks
from framework.testing.arguments import seeded
from framework.testing.check import CLASSES, Check, CheckFailed, CheckSkipped, PluginCheck, Subject

CHECKS: Mapping[str, Sequence[Check]] = {
    "dataset": datasets.CHECKS,
    "task": tasks.CHECKS,
    "transform": transform_checks.CHECKS,
    "model": models.CHECKS,
    "loss": losses.CHECKS,
    "method": methods.CHECKS,
    "optimizer": optimizers.CHECKS,
    "scheduler": optimizers.SCHEDULER_CHECKS,
    "callback": callbacks.CHECKS,
    "detector": detectors.CHECKS,
    "metric": metrics.CHECKS,
    "exporter": exporters.CHECKS,
}
"""The checks of each kind, in addition to those of all kinds (`declaration.CHECKS`)."""

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Result:
    """The result of one check."""

    check: Check | PluginCheck
    of: str
    """`model zebra` or `plugin zebra`."""
    status: Status
    message: str = ""
    """What was found, or why the check was skipped."""


@dataclass(frozen=True)
class Case:
    """One check of one component or plugin. Calling it raises `CheckFailed`, or skips the pytest test."""

    check: Check | PluginCheck
    of: str
    function: Callable[[], None]

    def __str__(self) -> str:
        return f"{self.of.replace(' ', '-')}-{self.check.name}"

    def __call__(self) -> None:
        """Run the check in a pytest test."""
        import pytest

        result = self.run()
        if result.status == "skipped":
            pytest.skip(result.message)
        if result.status == "failed":
            raise CheckFailed(f"{self.of}: {result.message}\n{self.check.summary}\n{self.check.advice}")

    def run(self) -> Result:
        """Run the check; raises nothing."""
        try:
            with seeded(0):
                self.function()
        except CheckSkipped as error:
            return Result(self.check, self.of, "skipped", str(error))
        except (CheckFailed, ComponentFault) as error:
            return Result(self.check, self.of, "failed", str(error).partition("\n")[0])
        except UserError as error:
            return Result(self.check, self.of, "skipped", f"it cannot be used here: {str(error).partition(chr(10))[0]}")
        except (Exception, SystemExit) as error:
            return Result(self.check, self.of, "failed", reason_of(error))
        return Result(self.check, self.of, "passed")


def component_cases(
    component: type[Component],
    registry: Registry,
    options: Mapping[str, Any] | None = None,
    classes: Sequence[str] = CLASSES,
) -> list[Case]:
    """All checks of a component, built with these options and for these classes."""
    subject = Subject(component, registry, options or {}, tuple(classes))
    checks = [*declaration.CHECKS, *CHECKS.get(component.kind, (_unknown_kind(component.kind),))]
    of = f"{component.kind} {component.name}"
    return [Case(check, of, lambda check=check: check.function(subject)) for check in checks]  # type: ignore[misc]


def plugin_cases(
    name: str,
    components: Sequence[str] = (),
    options: Mapping[str, Mapping[str, Any]] | None = None,
    registry: Registry | None = None,
) -> list[Case]:
    """All checks of an installed plugin and its components, or of the components with these names.

    `options` has options by the name of the component. Raises `UserError` if there is no such plugin or component.
    """
    registry = registry or Registry.load()
    plugin = find_plugin(name, registry)
    known = [component.name for component in plugin.components]
    for wanted in components:
        if wanted not in known:
            names = enumerate_names(known, 20)
            raise UserError(
                f"plugin '{name}' has no component '{wanted}'{did_you_mean(wanted, known)} (components: {names})"
            )
    return [*_plugin_cases(plugin), *_component_cases(plugin, components or known, options or {}, registry)]


def find_plugin(name: str, registry: Registry) -> Plugin:
    """The installed plugin with this name; raises `UserError` with the names of all."""
    plugins = {plugin.name: plugin for plugin in registry.plugins}
    if name not in plugins:
        raise UserError(f"there is no plugin '{name}'{did_you_mean(name, plugins)} (plugins: {', '.join(plugins)})")
    return plugins[name]


def _plugin_cases(plugin: Plugin) -> Iterator[Case]:
    for check in loading.CHECKS:
        yield Case(check, f"plugin {plugin.name}", lambda check=check: check.function(plugin))  # type: ignore[misc]


def _component_cases(
    plugin: Plugin, names: Sequence[str], options: Mapping[str, Mapping[str, Any]], registry: Registry
) -> Iterator[Case]:
    order = [kind.kind for kind in KINDS]
    for component in sorted(plugin.components, key=lambda component: order.index(component.kind)):
        if component.name in names:
            yield from component_cases(component, registry, options.get(component.name))


def _unknown_kind(kind: str) -> Check:
    def skip(subject: Subject) -> None:
        raise CheckSkipped(f"there are no checks of kind '{kind}' yet")

    return Check("behaviour", "The component does what its kind requires.", "", skip)
