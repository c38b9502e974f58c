"""From entry points to component classes. A plugin that fails does not affect the others."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pluggy

from framework.attribution import GROUP, reason_of
from framework.component_checks import fault_of
from framework.components import Component
from framework.errors import UserError, closest, enumerate_names
from framework.hookspecs import PluginSpec

if TYPE_CHECKING:
    from types import ModuleType

HEAVY = "torch"
SLOW = f"it imports {HEAVY} when it is loaded, which slows every command by seconds; import it inside `build`"
FILLER = ("random", "loss", "lr", "scheduler", "optimizer", "logger")
"""Words in names of other libraries that only repeat the kind of the component."""
C = TypeVar("C", bound=Component)


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group `framework`."""

    name: str
    """The entry point's name."""
    module: str
    distribution: str
    version: str
    location: str
    """The file of the loaded module, or an empty string."""
    components: tuple[type[Component], ...] = ()
    bundles: Mapping[str, Path] = field(default_factory=dict)
    """The files of its bundles (trained classifiers), by name."""
    fault: str | None = None
    """Why the plugin, or a part of it, cannot be used."""
    slow: bool = False
    """Whether loading it imports torch. Only the first such plugin is detected."""


@dataclass(frozen=True)
class Registry:
    """The components of a set of plugins, by kind and name. There is no global registry: it is an argument."""

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
        """Load all installed plugins. A plugin that fails raises nothing; the reason is in `Plugin.fault`."""
        points = importlib.metadata.entry_points(group=GROUP)
        return cls(tuple(load_plugin(point) for point in sorted(points, key=lambda point: point.name)))

    def find(self, kind: type[C], name: str) -> type[C]:
        """The class of that kind and name; raises `UserError` if there is none or more than one."""
        providers = self._providers.get((kind.kind, name), ())
        if not providers:
            raise UserError(self._unknown(kind, name))
        if len(providers) > 1:
            raise UserError(_clash(kind.kind, name, providers))
        return providers[0][1]  # type: ignore[return-value]

    def names(self, kind: type[Component]) -> list[str]:
        """The usable names of that kind, sorted."""
        return sorted(
            name for (known, name), found in self._providers.items() if known == kind.kind and len(found) == 1
        )

    def provider(self, kind: type[Component], name: str) -> Plugin:
        """The plugin of a component."""
        self.find(kind, name)
        return self._providers[kind.kind, name][0][0]

    @property
    def bundles(self) -> dict[str, Path]:
        """The files of the usable bundles of all plugins, by `PLUGIN/NAME`."""
        return {name: found[0][1] for name, found in self._all_bundles.items() if len(found) == 1}

    def bundle(self, name: str) -> Path | None:
        """The file of a bundle; None if there is none; raises `UserError` if two plugins have it."""
        found = self._all_bundles.get(name, [])
        if len(found) > 1:
            raise UserError(_clash("bundle", name, found))
        return found[0][1] if found else None

    @property
    def clashes(self) -> list[str]:
        """A line for each name that several plugins provide."""
        components = [(*key, found) for key, found in sorted(self._providers.items())]
        bundles = [("bundle", *entry) for entry in sorted(self._all_bundles.items())]
        return [_clash(kind, name, found) for kind, name, found in (*components, *bundles) if len(found) > 1]

    @property
    def faults(self) -> list[str]:
        """A line for each plugin that cannot be used, or only in part."""
        return [f"plugin '{plugin.name}' has failed: {plugin.fault}" for plugin in self.plugins if plugin.fault]

    @property
    def slow(self) -> list[str]:
        """A line for each plugin that slows every command."""
        return [f"plugin '{plugin.name}' is slow: {SLOW}" for plugin in self.plugins if plugin.slow]

    @property
    def _all_bundles(self) -> dict[str, list[tuple[Plugin, Path]]]:
        """All bundles by `PLUGIN/NAME`; two plugins may have the same name."""
        bundles: dict[str, list[tuple[Plugin, Path]]] = {}
        for plugin in self.plugins:
            for name, file in plugin.bundles.items():
                bundles.setdefault(f"{plugin.name}/{name}", []).append((plugin, file))
        return bundles

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


def load_plugin(point: importlib.metadata.EntryPoint) -> Plugin:
    """Import the plugin and get its components and bundles; errors are recorded in `fault`, not raised."""
    module: ModuleType | None = None
    components: tuple[type[Component], ...] = ()
    bundles: dict[str, Path] = {}
    faults: list[str] = []
    before = HEAVY in sys.modules
    try:
        with contextlib.redirect_stdout(sys.stderr):  # the output of a command must not contain prints of plugins
            module = importlib.import_module(point.module)
            hooks = _hooks(point.load(), point.name)
            components = _valid_components(hooks, faults)
            bundles = _valid_bundles(hooks, faults)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a plugin may raise anything on import, even SystemExit
        faults.append(reason_of(error))
    location = getattr(module, "__file__", None) or ""
    fault = "; ".join(faults) or None
    slow = not before and HEAVY in sys.modules
    return Plugin(point.name, point.value, *_distribution(point), location, components, bundles, fault, slow)


def _distribution(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Name and version; `unknown` if the metadata do not have them."""
    metadata = dict(point.dist.metadata.items()) if point.dist else {}  # type: ignore[attr-defined]
    return metadata.get("Name", "unknown"), metadata.get("Version", "unknown")


def _hooks(plugin: object, name: str) -> Any:
    """The hooks of one plugin, registered in its own plugin manager: pluggy checks the signatures."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(PluginSpec)
    manager.register(plugin, name)
    manager.check_pending()
    if not (manager.hook.components.get_hookimpls() or manager.hook.bundles.get_hookimpls()):
        raise TypeError("it implements no hook; define `components()` and mark it with `@hookimpl`")
    return manager.hook


def _valid_components(hooks: Any, faults: list[str]) -> tuple[type[Component], ...]:
    """The valid components; the faults of the others are appended to `faults`."""
    offered = (
        next(iter(hooks.components()), None) if hooks.components.get_hookimpls() else ()
    )  # None is dropped by pluggy
    if isinstance(offered, (str, Mapping)) or not isinstance(offered, Iterable):
        raise TypeError(f"components() returned {offered!r}, not a list of component classes")
    valid: dict[tuple[str, str], type[Component]] = {}
    for entry in offered:
        if fault := fault_of(entry):
            faults.append(fault)
            continue
        component = cast("type[Component]", entry)
        if (component.kind, component.name) in valid:
            faults.append(f"components() returned {component.kind} '{component.name}' twice")
        valid.setdefault((component.kind, component.name), component)
    return tuple(valid.values())


def _valid_bundles(hooks: Any, faults: list[str]) -> dict[str, Path]:
    """The bundles whose files exist; the faults of the others are appended to `faults`."""
    offered = next(iter(hooks.bundles()), None) if hooks.bundles.get_hookimpls() else {}
    if not isinstance(offered, Mapping):
        raise TypeError(f"bundles() returned {offered!r}, not a mapping of names to files")
    valid = {}
    for name, file in offered.items():
        if not (isinstance(name, str) and isinstance(file, (str, Path))):
            faults.append(f"bundles() returned {name!r}: {file!r}, which is not a name and a file")
        elif not Path(file).is_file():
            faults.append(f"bundles() returned '{name}', but there is no file '{file}'")
        else:
            valid[name] = Path(file)
    return valid


def _clash(kind: str, name: str, found: Iterable[tuple[Plugin, Any]]) -> str:
    plugins = " and ".join(f"plugin '{plugin.name}' ({plugin.distribution})" for plugin, _ in found)
    return f"{kind} '{name}' is provided by {plugins}; uninstall one of them"


def _normalised(name: str) -> str:
    """Normalise a name: `RandomHorizontalFlip` and `horizontal_flip` give `horizontalflip`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().split("_")
    return "".join(word for word in words if word not in FILLER) or name.lower()
