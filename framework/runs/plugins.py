"""Messages about plugins that a trained network needs and that are not installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.errors import UserError
from framework.recipe.problems import RecipeError

if TYPE_CHECKING:
    from framework.registry import Registry


@dataclass
class _Missing:
    """A plugin that a run used and that is missing or lacks a component of the run."""

    name: str
    distribution: str
    version: str
    file: bool = False
    """Whether it is a file of `--plugin`."""
    components: list[str] = field(default_factory=list)
    """Such as `model 'tinynet'`; empty if the run did not record them."""


@contextmanager
def naming_missing_plugins(label: str, environment: Mapping[str, Any], registry: Registry) -> Iterator[None]:
    """Name the plugins that run `label` used in recipe errors about missing components."""
    try:
        yield
    except RecipeError as error:
        missing = _missing(environment, registry, str(error))
        if not missing:
            raise
        named = [component for plugin in missing for component in plugin.components]
        others = [str(problem) for problem in error.problems if not any(name in str(problem) for name in named)]
        lines = [f"'{label}' needs plugins that are not installed here:"]
        lines += [_line(plugin, registry) for plugin in missing]
        wanted = " ".join(sorted({f"{plugin.distribution}=={plugin.version}" for plugin in missing if not plugin.file}))
        lines += [f"    Install them, for example: pip install {wanted}"] if wanted else []
        files = [plugin.distribution for plugin in missing if plugin.file]
        lines += [f"    It does not contain the file; get it from the author and use --plugin {file}" for file in files]
        raise UserError("\n".join([*others, *lines])) from error


def _missing(environment: Mapping[str, Any], registry: Registry, problems: str) -> list[_Missing]:
    recorded = environment.get("plugins", {})
    plugins = {
        name: _Missing(name, about["distribution"], about["version"], "sha256" in about)
        for name, about in recorded.items()
    }
    if "components" in environment:
        for kind, owners in environment["components"].items():
            for name, plugin in owners.items():
                if f"there is no {kind} '{name}'" in problems and plugin in plugins:
                    plugins[plugin].components.append(f"{kind} '{name}'")
        return [plugin for plugin in plugins.values() if plugin.components]
    installed = {plugin.name for plugin in registry.plugins}
    return [plugin for name, plugin in plugins.items() if "there is no " in problems and name not in installed]


def _line(plugin: _Missing, registry: Registry) -> str:
    text = f"    plugin '{plugin.name}' ({plugin.distribution} {plugin.version})"
    here = next((other for other in registry.plugins if other.name == plugin.name), None)
    if here is not None:
        text += f", installed in version {here.version}" + (f", which failed: {here.fault}" if here.fault else "")
    return text + (f": {', '.join(plugin.components)}" if plugin.components else "")
