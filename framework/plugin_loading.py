"""From an entry point to a plugin: it is imported, and what its hooks return is checked."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pluggy

from framework.attribution import GROUP, name_and_version, reason_of
from framework.component_checks import fault_of
from framework.hookspecs import Command, PluginSpec
from framework.plugin import Plugin

if TYPE_CHECKING:
    from types import ModuleType

    from framework.components import Component

HEAVY = "torch"
SLOW = f"it imports {HEAVY} when it is loaded, which slows every command by seconds; import it inside `build`"


def load_plugin(point: importlib.metadata.EntryPoint) -> Plugin:
    """Import what the entry point names and call its hooks; faults are recorded, never raised."""
    module: ModuleType | None = None
    offers: dict[str, Any] = {}
    faults: list[str] = []
    before = HEAVY in sys.modules
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is not part of a command's output
            module = importlib.import_module(point.module)
            hooks = hooks_of(point.load(), point.name)
            offers["components"] = valid_components(hooks, faults)
            offers["bundles"] = valid_bundles(hooks, faults)
            offers["commands"] = valid_commands(hooks, faults)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # a plugin may raise anything on import, SystemExit too
        faults.append(reason_of(error))
    location = getattr(module, "__file__", None) or ""
    distribution, version = name_and_version(point.dist) if point.dist else ("unknown", "unknown")
    fault = "; ".join(faults) or None
    slow = not before and HEAVY in sys.modules
    return Plugin(point.name, point.value, distribution, version, location, **offers, fault=fault, slow=slow)


def hooks_of(plugin: object, name: str) -> Any:
    """The hooks of one plugin, through a plugin manager of its own, so that pluggy checks the signatures."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(PluginSpec)
    manager.register(plugin, name)
    manager.check_pending()
    if not manager.get_hookcallers(plugin):
        raise TypeError("it implements no hook; define `components()` and mark it with `@hookimpl`")
    return manager.hook


def valid_components(hooks: Any, faults: list[str]) -> tuple[type[Component], ...]:
    """The components without a fault; the faults of the others are added to `faults`."""
    offered = _returned(hooks.components, ())
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


def valid_bundles(hooks: Any, faults: list[str]) -> dict[str, Path]:
    """The bundles whose files exist; the faults of the others are added to `faults`."""
    offered = _returned(hooks.bundles, {})
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


def valid_commands(hooks: Any, faults: list[str]) -> dict[str, Command]:
    """The commands that can be called by their names; the faults of the others are added to `faults`."""
    offered = _returned(hooks.commands, ())
    if isinstance(offered, (str, Mapping)) or not isinstance(offered, Iterable):
        raise TypeError(f"commands() returned {offered!r}, not a list of `framework.Command`")
    valid: dict[str, Command] = {}
    for command in offered:
        if not isinstance(command, Command) or not all(isinstance(text, str) for text in vars(command).values()):
            faults.append(f"commands() returned {command!r}, which is not a `framework.Command` of three texts")
        elif not re.fullmatch(r"[a-z][a-z0-9_-]*", command.name):
            faults.append(
                f"commands() returned '{command.name}'; a command is one word of lower case letters, digits, - and _"
            )
        elif command.name in valid:
            faults.append(f"commands() returned '{command.name}' twice")
        else:
            valid[command.name] = command
    return valid


def _returned(hook: Any, default: Any) -> Any:
    """What the plugin's implementation returns, `default` without one; pluggy omits None."""
    return next(iter(hook()), None) if hook.get_hookimpls() else default
