"""From entry points to component classes: every plugin is loaded by itself, and its faults stay its own."""

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
from framework.errors import UserError, enumerate_names, nearest
from framework.hookspecs import PluginSpec

if TYPE_CHECKING:
    from types import ModuleType

HEAVY = "torch"
SLOW = f"loading it imports {HEAVY}, which takes seconds in every command; import it inside `build`"
FILLER = ("random", "loss", "lr", "scheduler", "optimizer", "logger")
"""Words in the names of other libraries that only repeat the kind of the component."""
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
    bundles: Mapping[str, Path] = field(default_factory=dict)
    """Files of trained classifiers that it ships, by name."""
    fault: str | None = None
    """Why it, or part of it, could not be used."""
    slow: bool = False
    """Whether loading it imports torch, which slows every command. Only the first such plugin can be detected."""


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
            raise UserError(_clash(kind.kind, name, providers))
        return providers[0][1]  # type: ignore[return-value]

    def names(self, kind: type[Component]) -> list[str]:
        """The names of that kind that can be used, sorted."""
        return sorted(
            name for (known, name), found in self._providers.items() if known == kind.kind and len(found) == 1
        )

    def provider(self, kind: type[Component], name: str) -> Plugin:
        """The plugin that offers this component."""
        self.find(kind, name)
        return self._providers[kind.kind, name][0][0]

    @property
    def bundles(self) -> dict[str, Path]:
        """The trained classifiers that plugins ship and that can be used, by `PLUGIN/NAME`."""
        return {name: found[0][1] for name, found in self._shipped.items() if len(found) == 1}

    def bundle(self, name: str) -> Path | None:
        """The trained classifier of that name, None where there is none; raises `UserError` where two are called so."""
        found = self._shipped.get(name, [])
        if len(found) > 1:
            raise UserError(_clash("bundle", name, found))
        return found[0][1] if found else None

    @property
    def clashes(self) -> list[str]:
        """A line for each name that two plugins offer."""
        components = [(*key, found) for key, found in sorted(self._providers.items())]
        bundles = [("bundle", *entry) for entry in sorted(self._shipped.items())]
        return [_clash(kind, name, found) for kind, name, found in (*components, *bundles) if len(found) > 1]

    @property
    def faults(self) -> list[str]:
        """A line for each plugin that could not be used, or not in full."""
        return [f"plugin '{plugin.name}' has failed: {plugin.fault}" for plugin in self.plugins if plugin.fault]

    @property
    def slow(self) -> list[str]:
        """A line for each plugin that slows every command."""
        return [f"plugin '{plugin.name}' is slow: {SLOW}" for plugin in self.plugins if plugin.slow]

    @property
    def _shipped(self) -> dict[str, list[tuple[Plugin, Path]]]:
        """The bundles by `PLUGIN/NAME`; two plugins may have one name."""
        shipped: dict[str, list[tuple[Plugin, Path]]] = {}
        for plugin in self.plugins:
            for name, file in plugin.bundles.items():
                shipped.setdefault(f"{plugin.name}/{name}", []).append((plugin, file))
        return shipped

    def _unknown(self, kind: type[Component], name: str) -> str:
        names = self.names(kind)
        meant = self._meant(kind, name, names)
        hint = f"; did you mean '{meant}'?" if meant else ""
        message = f"there is no {kind.kind} '{name}'{hint}"
        message += f" (known: {enumerate_names(names, 20)}; see `framework list {kind.kind}`)"
        return "\n    ".join([message, *self.faults])

    def _meant(self, kind: type[Component], name: str, names: Sequence[str]) -> str | None:
        """The most similar name, or name and variant; aliases count as names."""
        aliases = {_gist(alias): known for known in names for alias in self.find(kind, known).aliases}
        by_gist = aliases | {_gist(known): known for known in names}
        if (gist := _gist(name)) in by_gist:
            return by_gist[gist]
        for known in names:
            for variant in self._variants(kind, known):
                if _gist(variant) == gist:
                    return f"{known}/{variant}"
        found = nearest(gist, by_gist)
        return by_gist[found] if found else None

    def _variants(self, kind: type[Component], name: str) -> Sequence[str]:
        return variants_of(self.find(kind, name))[0]


def variants_of(component: type[Component]) -> tuple[Sequence[str], str | None]:
    """What may follow the component's name after a slash, and why its plugin cannot say where it cannot."""
    try:
        return tuple(component.variants()), None
    except Exception as error:
        return (), f"{component.name}/… cannot be listed: {reason_of(error)}"


def load_plugin(point: importlib.metadata.EntryPoint) -> Plugin:
    """Import what the entry point names and ask it for its components; faults are recorded, never raised."""
    module: ModuleType | None = None
    components: tuple[type[Component], ...] = ()
    bundles: dict[str, Path] = {}
    faults: list[str] = []
    before = HEAVY in sys.modules
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is no part of a command's answer
            module = importlib.import_module(point.module)
            hooks = _hooks(point.load(), point.name)
            components = _sound(hooks, faults)
            bundles = _sound_bundles(hooks, faults)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a plugin may raise anything on import, SystemExit too
        faults.append(reason_of(error))
    location = getattr(module, "__file__", None) or ""
    fault = "; ".join(faults) or None
    slow = not before and HEAVY in sys.modules
    return Plugin(point.name, point.value, *_distribution(point), location, components, bundles, fault, slow)


def _distribution(point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Name and version; `unknown` where its metadata do not say."""
    metadata = dict(point.dist.metadata.items()) if point.dist else {}  # type: ignore[attr-defined]
    return metadata.get("Name", "unknown"), metadata.get("Version", "unknown")


def _hooks(plugin: object, name: str) -> Any:
    """The hooks of one plugin, through a plugin manager of its own, so that pluggy checks the signatures."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(PluginSpec)
    manager.register(plugin, name)
    manager.check_pending()
    if not (manager.hook.components.get_hookimpls() or manager.hook.bundles.get_hookimpls()):
        raise TypeError("it implements no hook: define `components()` and mark it with `@hookimpl`")
    return manager.hook


def _sound(hooks: Any, faults: list[str]) -> tuple[type[Component], ...]:
    """The components without a fault; what is wrong with the others is added to `faults`."""
    offered = next(iter(hooks.components()), None) if hooks.components.get_hookimpls() else ()  # pluggy leaves out None
    if isinstance(offered, (str, Mapping)) or not isinstance(offered, Iterable):
        raise TypeError(f"components() returned {offered!r}, not a list of component classes")
    sound: dict[tuple[str, str], type[Component]] = {}
    for entry in offered:
        if fault := fault_of(entry):
            faults.append(fault)
            continue
        component = cast("type[Component]", entry)
        if (component.kind, component.name) in sound:
            faults.append(f"components() offers {component.kind} '{component.name}' twice")
        sound.setdefault((component.kind, component.name), component)
    return tuple(sound.values())


def _sound_bundles(hooks: Any, faults: list[str]) -> dict[str, Path]:
    """The bundles whose files are there; what is wrong with the others is added to `faults`."""
    offered = next(iter(hooks.bundles()), None) if hooks.bundles.get_hookimpls() else {}
    if not isinstance(offered, Mapping):
        raise TypeError(f"bundles() returned {offered!r}, not a mapping of names to files")
    sound = {}
    for name, file in offered.items():
        if not (isinstance(name, str) and isinstance(file, (str, Path))):
            faults.append(f"bundles() offers {name!r}: {file!r}, which is not a name and a file")
        elif not Path(file).is_file():
            faults.append(f"bundles() offers '{name}', but there is no file '{file}'")
        else:
            sound[name] = Path(file)
    return sound


def _clash(kind: str, name: str, found: Iterable[tuple[Plugin, Any]]) -> str:
    owners = " and ".join(f"plugin '{plugin.name}' ({plugin.distribution})" for plugin, _ in found)
    return f"{kind} '{name}' is offered by {owners}; uninstall one of them"


def _gist(name: str) -> str:
    """Normalise a name: `RandomHorizontalFlip` and `horizontal_flip` give `horizontalflip`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().split("_")
    return "".join(word for word in words if word not in FILLER) or name.lower()
