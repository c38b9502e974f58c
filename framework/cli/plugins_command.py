"""`framework plugins`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from framework.cli.arguments import add_json
from framework.cli.kinds import plural
from framework.components import KINDS
from framework.errors import enumerate_names
from framework.registry import Plugin, Registry


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print every plugin, working or not; the status is 1 where one has a fault."""
    registry = Registry.load()
    if arguments.json:
        print(
            json.dumps(
                {"plugins": [_entry(plugin) for plugin in registry.plugins], "clashes": registry.clashes},
                indent=2,
            )
        )
    else:
        print("\n\n".join(_text(plugin) for plugin in registry.plugins))
        if registry.clashes:
            print("\nnames offered twice, unusable until one plugin is uninstalled:")
            print("\n".join(f"  {clash}" for clash in registry.clashes))
    return 1 if registry.clashes or any(plugin.fault for plugin in registry.plugins) else 0


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
        "fault": plugin.fault,
    }


def _text(plugin: Plugin) -> str:
    lines = [f"{plugin.name}  ({plugin.distribution} {plugin.version})"]
    if plugin.location:
        lines.append(f"  {plugin.location}")
    if plugin.fault:
        lines.append(f"  FAILED: {plugin.fault}")
    lines += [f"  {kind}: {enumerate_names(names, 10)}" for kind, names in _offers(plugin).items()]
    return "\n".join(lines)
