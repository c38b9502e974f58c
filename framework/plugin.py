"""A loaded plugin: its components, bundles and commands, and its faults."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.components import Component
    from framework.hookspecs import Command


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group `framework`, or one file given by `--plugin`."""

    name: str
    """The name of the entry point, or of the file without its suffix."""
    module: str
    distribution: str
    """For a file, its name."""
    version: str
    """For a file, the beginning of its SHA-256."""
    location: str
    """The file of the loaded module, or an empty string."""
    components: tuple[type[Component], ...] = ()
    bundles: Mapping[str, Path] = field(default_factory=dict)
    """Files of trained classifiers, by name."""
    commands: Mapping[str, Command] = field(default_factory=dict)
    """Commands of the command line, by name."""
    fault: str | None = None
    """Why the plugin, or part of it, cannot be used."""
    slow: bool = False
    """Whether loading it imports torch, which slows every command. Only the first such plugin can be detected."""
    source: bytes | None = None
    """The content of a plugin file when it was loaded; None for an installed plugin."""

    @property
    def sha256(self) -> str | None:
        """The digest of a plugin file; None for an installed plugin."""
        return None if self.source is None else hashlib.sha256(self.source).hexdigest()

    @property
    def origin(self) -> str:
        """As messages name it: `plugin 'timm' (framework 0.1.0)`, `plugin file 'my_model.py'`."""
        return f"plugin file '{self.location}'" if self.sha256 else f"plugin '{self.name}' ({self.distribution})"
