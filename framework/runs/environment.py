"""The environment of a run: versions, plugins, device, git commit."""

from __future__ import annotations

import importlib.metadata
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from framework.components import KINDS, components_in
from framework.errors import UserError
from framework.plugin import Plugin
from framework.recipe.sections import Recipe
from framework.registry import Registry

PACKAGES = ("framework", "torch", "torchvision", "timm", "numpy", "pillow", "pydantic", "safetensors")


def describe_environment(
    registry: Registry, device: str, precision: str, compiled: bool = False, recipe: Recipe | None = None
) -> dict[str, Any]:
    """As JSON types; with a recipe, also the plugin of each of its components."""
    return {
        "command": shlex.join([*_program(sys.argv[0]), *sys.argv[1:]]),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "device": device,
        "precision": precision,
        "compile": compiled,
        "packages": {name: package_version(name) for name in PACKAGES},
        "plugins": {plugin.name: plugin_document(plugin) for plugin in registry.plugins},
        **({"components": _owners(registry, recipe)} if recipe else {}),
        "git": git_state(Path.cwd()),
    }


def plugin_document(plugin: Plugin) -> dict[str, Any]:
    """As `environment.json` describes a plugin; a plugin file with its path and its SHA-256."""
    described = {"distribution": plugin.distribution, "version": plugin.version, "fault": plugin.fault}
    if plugin.sha256:
        described |= {"sha256": plugin.sha256, "file": str(Path(plugin.location).resolve())}
    return described


def with_session(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `environment.json` after a session starts: `before` is the previous content, None for a new run.

    It describes the environment in which the run was started. `resumed` lists the later sessions, each with its command
    and everything else that differs from the start.
    """
    if before is None:
        return dict(now)
    changed = {key: value for key, value in now.items() if key == "command" or value != before.get(key)}
    return {**before, "resumed": [*before.get("resumed", ()), changed]}


def over_sessions(environment: Mapping[str, Any], key: str) -> list[Any]:
    """The value at the start, then in each resumed session."""
    start = environment.get(key)
    return [start, *(session.get(key, start) for session in environment.get("resumed", ()))]


def _owners(registry: Registry, recipe: Recipe) -> dict[str, dict[str, str]]:
    """The name of the plugin of each component that the recipe uses, by kind and name."""
    owners: dict[str, dict[str, str]] = {}
    for component in components_in(recipe):
        kind = next(kind for kind in KINDS if kind.kind == component.kind)
        with suppress(UserError):  # given as an object, not by name
            owners.setdefault(component.kind, {})[component.name] = registry.provider(kind, component.name).name
    return owners


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit of the folder's repository and whether it has uncommitted changes; None outside a repository.

    `uncommitted_changes` is None if git cannot tell.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(folder, "status", "--porcelain")
    return {"commit": commit, "uncommitted_changes": None if changes is None else bool(changes)}


def _program(called: str) -> list[str]:
    """The words that start the program; `sys.argv` has a file path for an entry point and for `python -m`."""
    path = Path(called)
    if path.name == "__main__.py":
        return ["python", "-m", path.parent.name]
    return [path.name if path.name == "framework" else called]


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def package_version(package: str) -> str | None:
    """The installed version of a package; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
