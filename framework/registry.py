"""The loaded plugins, searched by kind and name of what they offer."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from framework.attribution import GROUP, reason_of
from framework.components import Component
from framework.errors import UserError, closest, enumerate_names
from framework.plugin import Plugin
from framework.plugin_file import load_plugin_file
from framework.plugin_loading import SLOW, load_plugin

if TYPE_CHECKING:
    from framework.hookspecs import Command

FILLER = ("random", "loss", "lr", "scheduler", "optimizer", "logger")
"""Words in the names of other libraries that only repeat the kind of the component."""
BUNDLE, COMMAND = "bundle", "command"
"""What plugins offer besides components."""
C = TypeVar("C", bound=Component)
Providers = tuple[tuple[Plugin, Any], ...]


@dataclass(frozen=True)
class Registry:
    """What a set of plugins offers, by kind and name. Passed along; there is no global one."""

    plugins: tuple[Plugin, ...] = ()
    _providers: Mapping[tuple[str, str], Providers] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        providers: dict[tuple[str, str], Providers] = {}
        for plugin in self.plugins:
            for kind, name, offered in _offers(plugin):
                providers[kind, name] = (*providers.get((kind, name), ()), (plugin, offered))
        object.__setattr__(self, "_providers", providers)

    @classmethod
    def load(cls, files: Iterable[Path] = ()) -> Registry:
        """Load every installed plugin, then the plugin files; raises `UserError` for a fault of a file."""
        return cls.of(importlib.metadata.entry_points(group=GROUP)).with_files(files)

    @classmethod
    def of(cls, points: Iterable[importlib.metadata.EntryPoint]) -> Registry:
        """Load the plugins of these entry points. A fault of a plugin is kept in `Plugin.fault`, never raised."""
        return cls(tuple(load_plugin(point) for point in sorted(points, key=lambda point: point.name)))

    def with_files(self, files: Iterable[Path]) -> Registry:
        """Return a registry with the components of these files too; raises `UserError` for a file with a fault."""
        plugins = list(self.plugins)
        for file in files:
            plugin = load_plugin_file(file)
            if other := next((other for other in plugins if other.name == plugin.name), None):
                raise UserError(f"{file}: {other.origin} has the same name, '{plugin.name}'; rename the file")
            plugins.append(plugin)
        return Registry(tuple(plugins)) if len(plugins) > len(self.plugins) else self

    @property
    def files(self) -> tuple[Plugin, ...]:
        """The plugins that are files."""
        return tuple(plugin for plugin in self.plugins if plugin.sha256)

    def find(self, kind: type[C], name: str) -> type[C]:
        """The class of that kind and name; raises `UserError` where there is none, or more than one."""
        found = self._find(kind.kind, name)
        if found is None:
            raise UserError(self._unknown(kind, name))
        return found[1]  # type: ignore[no-any-return]

    def names(self, kind: type[Component]) -> list[str]:
        """The names of that kind that can be used, sorted."""
        return sorted(self._usable(kind.kind))

    def provider(self, kind: type[Component], name: str) -> Plugin:
        """The plugin that offers this component."""
        self.find(kind, name)
        return self._providers[kind.kind, name][0][0]

    @property
    def bundles(self) -> dict[str, Path]:
        """The trained classifiers that plugins ship and that can be used, by `PLUGIN/NAME`."""
        return {name: file for name, (_, file) in self._usable(BUNDLE).items()}

    def bundle(self, name: str) -> Path | None:
        """The trained classifier of that name, None where there is none; raises `UserError` where two have the name."""
        found = self._find(BUNDLE, name)
        return found[1] if found else None

    @property
    def commands(self) -> dict[str, tuple[Plugin, Command]]:
        """The commands of plugins that can be used, by name, with their plugins."""
        return self._usable(COMMAND)

    def command(self, name: str) -> tuple[Plugin, Command] | None:
        """The command of that name with its plugin, None where there is none; raises `UserError` where two have it."""
        return self._find(COMMAND, name)

    @property
    def clashes(self) -> list[str]:
        """A line for each name that two plugins offer."""
        return [_clash(*key, found) for key, found in sorted(self._providers.items()) if len(found) > 1]

    @property
    def faults(self) -> list[str]:
        """A line for each plugin that could not be used, or not in full."""
        return [f"plugin '{plugin.name}' has failed: {plugin.fault}" for plugin in self.plugins if plugin.fault]

    @property
    def slow(self) -> list[str]:
        """A line for each plugin that slows every command."""
        return [f"plugin '{plugin.name}' is slow: {SLOW}" for plugin in self.plugins if plugin.slow]

    def _usable(self, kind: str) -> dict[str, tuple[Plugin, Any]]:
        """What exactly one plugin offers, by name."""
        return {name: found[0] for (known, name), found in self._providers.items() if known == kind and len(found) == 1}

    def _find(self, kind: str, name: str) -> tuple[Plugin, Any] | None:
        found = self._providers.get((kind, name), ())
        if len(found) > 1:
            raise UserError(_clash(kind, name, found))
        return found[0] if found else None

    def _unknown(self, kind: type[Component], name: str) -> str:
        names = self.names(kind)
        suggestion = self._suggestion(kind, name, names)
        hint = f"; did you mean '{suggestion}'?" if suggestion else ""
        message = f"there is no {kind.kind} '{name}'{hint}"
        message += f" (known: {enumerate_names(names, 20)}; see `framework list {kind.kind}`)"
        return "\n    ".join([message, *self.faults])

    def _suggestion(self, kind: type[Component], name: str, names: Sequence[str]) -> str | None:
        """The most similar name, alias (the name it belongs to) or `name/variant`."""
        aliases = {_normalised(alias): known for known in names for alias in self.find(kind, known).aliases}
        candidates = aliases | {_normalised(known): known for known in names}
        if (normalised := _normalised(name)) in candidates:
            return candidates[normalised]
        for known in names:
            for variant in variants_of(self.find(kind, known))[0]:
                if _normalised(variant) == normalised:
                    return f"{known}/{variant}"
        match = closest(normalised, candidates)
        return candidates[match] if match else None


def variants_of(component: type[Component]) -> tuple[Sequence[str], str | None]:
    """The variants of a component (`name/variant`), and the reason if they cannot be listed."""
    try:
        return tuple(component.variants()), None
    except Exception as error:
        return (), f"{component.name}/… cannot be listed: {reason_of(error)}"


def _offers(plugin: Plugin) -> Iterator[tuple[str, str, Any]]:
    """The kind and name of each thing that the plugin offers, and the thing."""
    yield from ((component.kind, component.name, component) for component in plugin.components)
    yield from ((BUNDLE, f"{plugin.name}/{name}", file) for name, file in plugin.bundles.items())
    yield from ((COMMAND, name, command) for name, command in plugin.commands.items())


def _clash(kind: str, name: str, found: Providers) -> str:
    owners = " and ".join(plugin.origin for plugin, _ in found)
    files = [plugin.location for plugin, _ in found if plugin.sha256]
    remedy = f"rename it in {files[0]}" if files else "uninstall one of them"
    return f"{kind} '{name}' is provided by {owners}; {remedy}"


def _normalised(name: str) -> str:
    """Normalise a name: `RandomHorizontalFlip` and `horizontal_flip` give `horizontalflip`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().split("_")
    return "".join(word for word in words if word not in FILLER) or name.lower()
