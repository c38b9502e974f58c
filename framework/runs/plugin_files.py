"""The plugin files of a run (`--plugin`): copied into its folder, and loaded from there by whatever needs its network.

`environment.json` has the path and the SHA-256 of each; bundles and exports have the name and the SHA-256 only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.errors import UserError
from framework.files import replace_atomically
from framework.plugin_file import sha256_of
from framework.runs.folder import RunFolder

if TYPE_CHECKING:
    from framework.registry import Registry


@dataclass(frozen=True)
class RecordedFile:
    """A plugin file that a run was trained with."""

    plugin: str
    name: str
    sha256: str
    original: Path | None
    """Where it was; None in a bundle."""


def recorded_files(environment: Mapping[str, Any]) -> Iterator[RecordedFile]:
    """The plugin files that `environment.json` lists."""
    for plugin, about in environment.get("plugins", {}).items():
        if "sha256" in about:
            original = Path(about["file"]) if "file" in about else None
            yield RecordedFile(plugin, about["distribution"], about["sha256"], original)


def save_plugin_files(run: RunFolder, registry: Registry) -> None:
    """Copy the plugin files into the run folder; a resumed run has them already."""
    for plugin in registry.files:
        copy = run.plugins / plugin.distribution
        if sha256_of(copy) != plugin.sha256:
            run.plugins.mkdir(exist_ok=True)
            replace_atomically(copy, partial(_write, plugin.source or b""))


def with_plugin_files(
    label: str, run: RunFolder | None, environment: Mapping[str, Any], registry: Registry
) -> Registry:
    """The registry with the copies of the run's plugin files; a file given by `--plugin` replaces the copy.

    Raises `UserError` where a copy is missing or was changed. Without a folder the registry is returned as it is.
    """
    if run is None:
        return registry
    given = {plugin.name for plugin in registry.files}
    files = [file for file in recorded_files(environment) if file.plugin not in given]
    for file in files:
        copy = run.plugins / file.name
        if sha256_of(copy) != file.sha256:
            what = "was changed: its SHA-256 differs" if copy.is_file() else "is missing"
            raise UserError(
                f"'{label}' was trained with the plugin file '{file.name}', and the copy {copy} {what}. Restore it, "
                f"or give the file to use: --plugin FILE/{file.name}"
            )
    return registry.with_files([run.plugins / file.name for file in files])


def warn_of_other_files(label: str, environment: Mapping[str, Any], registry: Registry) -> None:
    """Print a warning for each plugin file that is not, or is no longer, what the run was trained with."""
    given = {plugin.name: plugin for plugin in registry.files}
    for file in recorded_files(environment):
        now = sha256_of(file.original) if file.original else None
        if plugin := given.get(file.plugin):
            if plugin.sha256 != file.sha256:
                _warn(f"{plugin.location} is used, which is not the file that '{label}' was trained with")
        elif now not in (None, file.sha256):
            _warn(f"{file.original} was changed since '{label}' was trained; the copy in the run folder is used")


def require_same_files(label: str, environment: Mapping[str, Any], registry: Registry) -> None:
    """Raise `UserError` where a file given by `--plugin` is not the one that the run was started with."""
    given = {plugin.name: plugin for plugin in registry.files}
    for file in recorded_files(environment):
        if file.plugin in given and given[file.plugin].sha256 != file.sha256:
            raise UserError(
                f"the run in '{label}' was started with another content of {given[file.plugin].location} (SHA-256 "
                f"{file.sha256[:12]}…). Resume without --plugin, which uses the copy in the run folder, or choose "
                "another --out"
            )


def needed_files(environment: Mapping[str, Any]) -> list[str]:
    """The plugin files by name, with the beginning of their SHA-256: what a bundle does not contain."""
    return [f"{file.name} (SHA-256 {file.sha256[:12]}…)" for file in recorded_files(environment)]


def _write(content: bytes, file: Path) -> None:
    file.write_bytes(content)


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)
