"""`framework plugins`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

from framework.cli import COMMANDS
from framework.cli.arguments import add_json, add_plugin
from framework.cli.kinds import plural
from framework.cli.plugin_commands import command_clashes
from framework.components import KINDS
from framework.errors import enumerate_names
from framework.plugin import Plugin
from framework.plugin_loading import SLOW
from framework.registry import Registry, variants_of
from framework.report.wrapping import fitted


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_plugin(parser)
    add_json(parser)
    parser.epilog = "`framework plugins check NAME` runs the conformance checks on a plugin."


def execute(arguments: argparse.Namespace) -> int:
    """Print all plugins; the status is 1 if one has an error."""
    registry = Registry.load(arguments.plugin)
    clashes = [*registry.clashes, *command_clashes(registry, COMMANDS)]
    plugins = [_with_faults_of_variants(plugin) for plugin in registry.plugins]
    if arguments.json:
        document = {"plugins": [_entry(plugin) for plugin in plugins], "clashes": clashes}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        blocks = [_text(plugin) for plugin in plugins]
        blocks += ["\n".join(["FAILED:", *clashes])] * bool(clashes)
        print(fitted("\n\n".join(blocks), sys.stdout, indent=4))
    return 1 if clashes or any(plugin.fault for plugin in plugins) else 0


def _with_faults_of_variants(plugin: Plugin) -> Plugin:
    faults = [plugin.fault, *(variants_of(component)[1] for component in plugin.components)]
    return replace(plugin, fault="; ".join(fault for fault in faults if fault) or None)


def _offers(plugin: Plugin) -> dict[str, list[str]]:
    by_kind = {plural(kind): [c.name for c in plugin.components if c.kind == kind.kind] for kind in KINDS}
    return {kind: names for kind, names in by_kind.items() if names}


def _entry(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "module": plugin.module,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "location": plugin.location,
        "components": _offers(plugin),
        "bundles": {name: str(file) for name, file in plugin.bundles.items()},
        "commands": {command.name: command.summary for command in plugin.commands.values()},
        "fault": plugin.fault,
        "slow": plugin.slow,
    }


def _text(plugin: Plugin) -> str:
    lines = [f"{plugin.name}  ({plugin.distribution} {plugin.version})"]
    if plugin.location:
        lines.append(f"  {plugin.location}")
    if plugin.fault:
        lines.append(f"  FAILED: {plugin.fault}")
    if plugin.slow:
        lines.append(f"  SLOW: {SLOW}")
    lines += [f"  {kind}: {enumerate_names(names, 10)}" for kind, names in _offers(plugin).items()]
    if plugin.bundles:
        lines.append(f"  bundles: {enumerate_names(plugin.bundles, 10)}")
    if plugin.commands:
        lines.append(f"  commands: {enumerate_names(plugin.commands, 10)}")
    return "\n".join(lines)
