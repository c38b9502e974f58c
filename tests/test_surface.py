"""The public surface is frozen: names, recipe options, components, commands and hooks are listed in surface.txt.

After an intended change: `python -m tests.test_surface` writes the list again.
"""

import difflib
import inspect
import json
from importlib import import_module
from pathlib import Path
from typing import get_args

import framework
from framework import Registry
from framework.cli import COMMANDS, command_parser, module_of
from framework.cli.show_command import type_text
from framework.components import KINDS, own_fields_first
from framework.hookspecs import CallbackSpec, PluginSpec
from framework.recipe.sections import Recipe
from framework.section import Section

FILE = Path(__file__).parent / "surface.txt"


def option(name, field):
    default = field.get_default(call_default_factory=True)
    default = "required" if field.is_required() else json.dumps(default, default=str, ensure_ascii=False)
    return f"{name}: {type_text(field.annotation)} = {default}"


def recipe_options(section, prefix=""):
    for name, field in section.model_fields.items():
        if sections := [part for part in (field.annotation, *get_args(field.annotation)) if is_section(part)]:
            yield from recipe_options(sections[0], f"{prefix}{name}.")
        else:
            yield option(prefix + name, field)


def is_section(annotation):
    return isinstance(annotation, type) and issubclass(annotation, Section) and not hasattr(annotation, "kind")


def component_options(registry):
    """One line per option; the models of torchvision, all with the same options, are represented by resnet18."""
    for kind in KINDS:
        yield from (f"{kind.kind} …: {option(name, kind.model_fields[name])}" for name in own_fields_first(kind))
        for name in registry.names(kind):
            plugin, component = registry.provider(kind, name), registry.find(kind, name)
            if plugin.distribution == "framework" and (plugin.name != "torchvision" or name == "resnet18"):
                options = [field for field in own_fields_first(component) if field not in kind.model_fields]
                yield f"{kind.kind} {name}"
                yield from (f"{kind.kind} {name}: {option(field, component.model_fields[field])}" for field in options)


def commands():
    for name in COMMANDS:
        parser = command_parser(name, COMMANDS[name])
        import_module(module_of(name)).configure(parser)
        arguments = [
            action.option_strings or [action.metavar or "|".join(action.choices)] for action in parser._actions[1:]
        ]
        yield f"{name}: {' '.join('/'.join(forms) for forms in arguments)}".rstrip()


def hooks():
    for spec in (PluginSpec, CallbackSpec):
        for name, hook in inspect.getmembers(spec, inspect.isfunction):
            yield f"{name}({', '.join(list(inspect.signature(hook).parameters)[1:])})"


def python_api():
    for name in ("train", "load", "evaluate", "compare"):
        yield f"{name}{inspect.signature(getattr(framework, name))}".replace("'", "")
    for name, member in sorted(vars(framework.Run).items()):
        if not name.startswith("_"):
            signature = "" if isinstance(member, property) else str(inspect.signature(member))
            yield f"Run.{name}{signature}".replace("'", "")


def surface():
    lists = {
        "names in framework": framework.__all__,
        "Python": python_api(),
        "recipe options": recipe_options(Recipe),
        "component options": component_options(Registry.load()),
        "commands": commands(),
        "hooks": hooks(),
    }
    return "\n".join(f"# {title}\n" + "".join(f"{line}\n" for line in lines) for title, lines in lists.items())


def test_the_public_surface_has_not_changed():
    frozen, current = FILE.read_text().splitlines(), surface().splitlines()
    changes = [line for line in difflib.ndiff(frozen, current) if line[0] in "-+"]
    assert changes == [], "if intended: python -m tests.test_surface"


if __name__ == "__main__":
    FILE.write_text(surface())
