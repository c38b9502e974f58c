"""Commands that plugins add to the command line: listed, and called with their faults attributed to the plugin."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from framework.attribution import GROUP, ComponentFault, is_not_a_fault, name_and_version, reason_of
from framework.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from framework.hookspecs import Command
    from framework.plugin import Plugin
    from framework.registry import Registry

Parser = Callable[[str, str], argparse.ArgumentParser]
OWN = "framework"
"""The distribution whose plugins add no command."""


def run_plugin_command(name: str, rest: Sequence[str], builtin: Collection[str], parser_of: Parser) -> int:
    """Run the command that a plugin offers by that name; raises `UserError` where none or several do."""
    registry = registry_of_commands()
    found = registry.command(name) if registry else None
    if found is None:
        usable = plugin_commands(registry, builtin) if registry else []
        known = [*builtin, *(command.name for _, commands in usable for command in commands)]
        message = f"there is no command '{name}'{did_you_mean(name, known)} (commands: {', '.join(known)})"
        raise UserError("\n    ".join([message, *(registry.faults if registry else [])]))
    plugin, command = found
    parser = parser_of(name, command.summary)
    with _attributed(plugin, command, f"the import of {command.module}"):
        module = importlib.import_module(command.module)
    with _attributed(plugin, command, "configure()"):
        module.configure(parser)
    arguments = parser.parse_intermixed_args(rest)
    with _attributed(plugin, command, "execute()", passing=SystemExit):
        return _status(module.execute(arguments))


def registry_of_commands() -> Registry | None:
    """The plugins that may add commands: those of other distributions. None if there are none.

    The framework's own plugins are not loaded: they add no command (a test checks it), and loading them takes several
    times as long as the rest of `framework --help`.
    """
    points = importlib.metadata.entry_points(group=GROUP)
    others = [point for point in points if point.dist is None or name_and_version(point.dist)[0] != OWN]
    if not others:
        return None
    from framework.registry import Registry  # imports pydantic

    return Registry.of(others)


def plugin_commands(registry: Registry, builtin: Collection[str]) -> list[tuple[Plugin, list[Command]]]:
    """The commands that can be called, by plugin."""
    usable = [found for name, found in sorted(registry.commands.items()) if name not in first_words(builtin)]
    by_plugin = [(plugin, [command for owner, command in usable if owner is plugin]) for plugin in registry.plugins]
    return [(plugin, commands) for plugin, commands in by_plugin if commands]


def command_clashes(registry: Registry, builtin: Collection[str]) -> list[str]:
    """A line for each command of a plugin that has the name of a command of the framework, which is called instead."""
    return [
        f"command '{name}' of {plugin.origin} cannot be called: the framework has a command of that name"
        for plugin in registry.plugins
        for name in plugin.commands
        if name in first_words(builtin)
    ]


def first_words(builtin: Collection[str]) -> set[str]:
    """`data` of `data fetch`."""
    return {"help", *(name.split(" ")[0] for name in builtin)}


def faults_to_stderr(registry: Registry) -> None:
    """Print why commands may be missing."""
    for line in registry.faults:
        print(f"{line} (see `framework plugins`)", file=sys.stderr)


def _status(returned: Any) -> int:
    if returned is not None and not isinstance(returned, int):
        raise TypeError(f"it returned {returned!r}, not an exit status")
    return int(returned or 0)


@contextmanager
def _attributed(
    plugin: Plugin, command: Command, doing: str, passing: type[BaseException] = UserError
) -> Iterator[None]:
    """Turn an exception into a fault that names the command and its plugin."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, passing) or is_not_a_fault(error):
            raise
        raise ComponentFault(
            f"command '{command.name}' failed in {doing}: {reason_of(error)} (--debug shows where)\n"
            f"    It comes from plugin '{plugin.name}' ({plugin.distribution} {plugin.version})"
        ) from error
