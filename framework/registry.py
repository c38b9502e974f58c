"""From entry points to component classes: every plugin is loaded by itself, and its faults stay its own."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pluggy

from framework.components import KINDS, Component, unknown_arguments
from framework.errors import UserError, did_you_mean, enumerate_names
from framework.hookspecs import PluginSpec

if TYPE_CHECKING:
    from types import ModuleType

GROUP = "framework"
C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group `framework`, loaded or not."""

    name: str
    """The entry point's name."""
    module: str
    distribution: str
    version: str
    location: str
    """The file of the loaded module, or an empty string."""
    components: tuple[type[Component], ...] = ()
    fault: str | None = None
    """Why it, or part of it, could not be used."""


@dataclass(frozen=True)
class Registry:
    """The components of a set of plugins, by kind and name. Passed along; there is no global one."""

    plugins: tuple[Plugin, ...] = ()
    _providers: Mapping[tuple[str, str], tuple[tuple[Plugin, type[Component]], ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        providers: dict[tuple[str, str], tuple[tuple[Plugin, type[Component]], ...]] = {}
        for plugin in self.plugins:
            for component in plugin.components:
                key = (component.kind, component.name)
                providers[key] = (*providers.get(key, ()), (plugin, component))
        object.__setattr__(self, "_providers", providers)

    @classmethod
    def load(cls) -> Registry:
        """Load every installed plugin. Never raises for a plugin's fault: it is kept in `Plugin.fault`."""
        points = importlib.metadata.entry_points(group=GROUP)
        return cls(tuple(load_plugin(point) for point in sorted(points, key=lambda point: point.name)))

    def find(self, kind: type[C], name: str) -> type[C]:
        """The class of that kind and name; raises `UserError` where there is none, or more than one."""
        providers = self._providers.get((kind.kind, name), ())
        if not providers:
            raise UserError(self._unknown(kind, name))
        if len(providers) > 1:
            owners = " and ".join(f"plugin '{plugin.name}' ({plugin.distribution})" for plugin, _ in providers)
            raise UserError(f"{kind.kind} '{name}' is offered by {owners}; uninstall one of them")
        return providers[0][1]  # type: ignore[return-value]

    def names(self, kind: type[Component]) -> list[str]:
        """The names of that kind, sorted."""
        return sorted(name for known, name in self._providers if known == kind.kind)

    def provider(self, kind: type[Component], name: str) -> Plugin:
        """The plugin that offers this component."""
        self.find(kind, name)
        return self._providers[kind.kind, name][0][0]

    @property
    def clashes(self) -> list[str]:
        """A line for each name that two plugins offer."""
        return [
            f"{kind} '{name}' is offered by " + " and ".join(plugin.name for plugin, _ in providers)
            for (kind, name), providers in sorted(self._providers.items())
            if len(providers) > 1
        ]

    def _unknown(self, kind: type[Component], name: str) -> str:
        names = self.names(kind)
        variants = (
            f"{component.name}/{variant}"
            for known in names
            for component in [self._providers[kind.kind, known][0][1]]
            for variant in component.variants()
        )
        hint = did_you_mean(name, names)
        if not hint:
            by_variant = {full.partition("/")[2]: full for full in variants}
            hint = f"; did you mean '{by_variant[name]}'?" if name in by_variant else ""
        message = f"there is no {kind.kind} '{name}'{hint}"
        message += f" (known: {enumerate_names(names, 20)}; see `framework list {kind.kind}`)"
        for plugin in self.plugins:
            if plugin.fault:
                message += f"\n    plugin '{plugin.name}' failed to load, so its components are missing: {plugin.fault}"
        return message


def load_plugin(point: importlib.metadata.EntryPoint) -> Plugin:
    """Import what the entry point names and ask it for its components; faults are recorded, never raised."""
    distribution = point.dist.name if point.dist else "unknown"
    version = point.dist.version if point.dist else "unknown"
    module: ModuleType | None = None
    components: tuple[type[Component], ...] = ()
    fault: str | None = None
    try:
        module = importlib.import_module(point.module)
        offered = _call_hook(point.load(), point.name)
        faults = [(component, _fault_of(component)) for component in offered]
        components = tuple(component for component, reason in faults if reason is None)
        fault = "; ".join(reason for _, reason in faults if reason) or None
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a plugin may raise anything on import, SystemExit too
        fault = f"{type(error).__name__}: {error}"
    location = getattr(module, "__file__", None) or ""
    return Plugin(point.name, point.value, distribution, version, location, components, fault)


def _call_hook(plugin: object, name: str) -> list[type[Component]]:
    """The components of one plugin, through a plugin manager of its own, so that pluggy checks the signature."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(PluginSpec)
    manager.register(plugin, name)
    manager.check_pending()
    if not manager.hook.components.get_hookimpls():
        raise TypeError("it implements no hook: define `components()` and mark it with `@hookimpl`")
    (offered,) = manager.hook.components()
    if isinstance(offered, (str, Mapping)) or not isinstance(offered, Iterable):
        raise TypeError(f"components() returned {offered!r}, not a list of component classes")
    return list(offered)


def _fault_of(component: object) -> str | None:
    if not (isinstance(component, type) and issubclass(component, Component)):
        return f"components() offers {component!r}, which is not a component class"
    label = f"{component.__module__}.{component.__qualname__}"
    if component in KINDS or not issubclass(component, KINDS):
        return f"{label} is of no kind: derive it from one of " + ", ".join(kind.__name__ for kind in KINDS)
    name = getattr(component, "name", None)
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_]*", name):
        return f"{label} needs a name of lower case letters, digits and underscores; it has {name!r}"
    if component.__abstractmethods__:
        return f"{label} lacks " + ", ".join(sorted(component.__abstractmethods__))
    if asked := unknown_arguments(component):
        offered = ", ".join(component.offered) or "no arguments"
        return f"{label}.build asks for {', '.join(asked)}; a {component.kind} is offered {offered}"
    return None
