"""Checks of a plugin as a whole: it loads, and its import is fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from framework.plugin import Plugin
from framework.registry import variants_of
from framework.testing.check import CheckFailed, PluginCheck, require

HEAVY = ("torch", "torchvision", "timm", "tensorflow", "jax", "onnxruntime", "pandas", "scipy", "sklearn")
LONGEST = 3.0
"""Limit of the time to load a plugin, divided by the time to import the framework's part that loads it."""
SCRIPT = """
import importlib.metadata, json, pathlib, sys, time
start = time.process_time()
from framework import plugin_file, plugin_loading
own = time.process_time() - start
name, file = sys.argv[1:]
points = [point for point in importlib.metadata.entry_points(group="framework") if point.name == name]
before = set(sys.modules)
start = time.process_time()
plugin_file.load_plugin_file(pathlib.Path(file)) if file else plugin_loading.load_plugin(points[0])
ratio = (time.process_time() - start) / own
print(json.dumps([ratio, sorted(set(sys.modules) - before)]))
"""


def loads(plugin: Plugin) -> None:
    """Importing the plugin and calling its hooks raises nothing, and all of its classes are valid."""
    if plugin.fault:
        raise CheckFailed(plugin.fault)
    for component in plugin.components:
        reason = variants_of(component)[1]
        require(reason is None, str(reason))


def import_purity(plugin: Plugin) -> None:
    """In a new process, loading the plugin imports no large package and takes little CPU time."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", SCRIPT, plugin.name, plugin.location if plugin.source is not None else ""]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    require(done.returncode == 0, f"cannot be loaded in a new process: {done.stderr.strip()[-300:]}")
    ratio, modules = json.loads(done.stdout.splitlines()[-1])
    heavy = sorted(set(HEAVY) & set(modules))
    require(not heavy, f"loading it imports {', '.join(heavy)}")
    require(ratio < LONGEST, f"loading it takes {ratio:.1f} times as long as the framework itself; limit {LONGEST:g}")


CHECKS = (
    PluginCheck(
        "loads", "The plugin can be imported, and all of its components are valid classes.",
        "Correct what the message names; --debug shows tracebacks of commands.", loads,
    ),
    PluginCheck(
        "import_purity", "Importing the plugin does not import torch or another large package, and is fast.",
        "Import large packages inside build(), or in modules that build() imports.", import_purity,
    ),
)  # fmt: skip
