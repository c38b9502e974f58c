"""`framework plugins check`."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from framework.cli.arguments import add_json, add_plugin
from framework.report.wrapping import fitted

if TYPE_CHECKING:
    from framework.testing import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("name", metavar="NAME", help="plugin, as `framework plugins` lists it")
    parser.add_argument("components", metavar="COMPONENT", nargs="*", help="check these components only")
    add_plugin(parser)
    add_json(parser)
    parser.epilog = (
        "A component is built with the examples of its options, Field(examples=[…]), or\n"
        "their defaults. The status is 1 if a check failed. For pytest, see\n"
        "framework.testing."
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run the checks and print the results; the status is 1 if one failed."""
    from framework.registry import Registry
    from framework.testing.suite import find_plugin, plugin_cases

    registry = Registry.load(arguments.plugin)
    plugin = find_plugin(arguments.name, registry)
    results = []
    heading = ""
    for case in plugin_cases(arguments.name, arguments.components, registry=registry):
        with contextlib.redirect_stdout(sys.stderr):  # stdout has the results only
            result = case.run()
        results.append(result)
        if not arguments.json:
            if case.of != heading:
                print(heading := case.of)
            print(fitted(_text(result), sys.stdout, indent=16), flush=True)
    numbers = Counter(result.status for result in results)
    if arguments.json:
        document = {
            "plugin": plugin.name,
            "distribution": plugin.distribution,
            "version": plugin.version,
            **{status: numbers[status] for status in ("passed", "failed", "skipped")},
            "results": [_entry(result) for result in results],
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        counts = ", ".join(f"{numbers[status]} {status}" for status in ("passed", "failed", "skipped"))
        print(f"\n{plugin.name} ({plugin.distribution} {plugin.version}): {counts}")
    return 1 if numbers["failed"] else 0


def _text(result: Result) -> str:
    label = {"passed": "passed", "failed": "FAILED", "skipped": "skipped"}[result.status]
    line = f"  {label:9}{result.check.name}"
    if result.message:
        line += f": {result.message}"
    if result.status == "failed":
        line += f"\n           Required: {result.check.summary}\n           To do: {result.check.advice}"
    return line


def _entry(result: Result) -> dict[str, Any]:
    return {
        "of": result.of,
        "check": result.check.name,
        "status": result.status,
        "message": result.message,
        "required": result.check.summary,
        "to_do": result.check.advice,
    }
