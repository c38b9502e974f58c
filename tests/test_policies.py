"""Policies for all of the code: documentation, valid recipes, directions of imports."""

import ast
from pathlib import Path

import pytest

import framework
from framework import Registry
from framework.components import KINDS
from framework.recipe import load_recipe
from framework.recipe.sections import Evaluate, Lookahead, Preprocess, ProgressiveResize, Recipe, Train
from framework.section import descriptions

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
PLUGINS = sorted((ROOT / "plugins").glob("*/**/*.py"))
FRAMEWORK = sorted((ROOT / "framework").rglob("*.py"))
FOUNDATION = ["errors", "section", "attribution", "components", "hookspecs", "component_checks"]
FOUNDATION += ["plugin", "plugin_loading", "plugin_file", "registry", "recipe", "files", "reach", "device", "display"]
WORK = ["data", "evaluation", "runs", "inference", "training", "report", "export", "testing"]
PARTS = [*FOUNDATION, *WORK, "api"]
HOME_OF = {name: home.split(".")[1] for home, names in framework._HOMES.items() for name in names}

registry = Registry.load()
COMPONENTS = [registry.find(kind, name) for kind in KINDS for name in registry.names(kind)]


def imports(file):
    """Each (module, names) that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:  # relative imports do not leave the package
            yield node.module, [alias.name for alias in node.names]


def parts_imported(file):
    """The parts of the framework (`errors`, `recipe`, …) that a file imports."""
    for module, names in imports(file):
        if module.startswith("framework."):
            yield module.split(".")[1]
        elif module == "framework":
            yield from (HOME_OF.get(name, name) for name in names)


def part_of(file):
    return file.relative_to(ROOT / "framework").parts[0].removesuffix(".py")


def test_every_component_is_documented():
    missing = [component for component in COMPONENTS if not component.__doc__]
    for component in COMPONENTS:
        missing += [f"{component.__name__}.{name}" for name in component.model_fields.keys() - descriptions(component)]
    assert missing == []


def test_every_option_of_a_recipe_is_documented():
    sections = [Recipe, Preprocess, Train, Lookahead, ProgressiveResize, Evaluate]
    assert [
        (section, name) for section in sections for name in section.model_fields.keys() - descriptions(section)
    ] == []
    assert all(section.__doc__ for section in sections)


def test_every_recipe_is_valid_and_opens_with_its_command_and_a_description():
    for recipe in RECIPES:
        assert load_recipe(recipe, registry)
        command, description = recipe.read_text().splitlines()[:2]
        assert command.split(" dataset.root=")[0] == f"# framework run recipes/{recipe.name}"
        assert description.startswith("# "), recipe


def test_every_part_imports_only_earlier_parts():
    offenders = []
    for file in FRAMEWORK:
        if (part := part_of(file)) in PARTS:
            later = set(parts_imported(file)) - set(PARTS[: PARTS.index(part) + 1])
            offenders += [(str(file), name) for name in later]
    assert offenders == []
    assert set(PARTS) <= {part_of(file) for file in FRAMEWORK}


def test_the_framework_imports_no_plugin():
    assert [
        (file, module) for file in FRAMEWORK for module, _ in imports(file) if module.startswith("framework_")
    ] == []


def test_plugins_import_only_public_names_and_no_other_plugin():
    offenders = []
    for file in PLUGINS:
        plugin = file.relative_to(ROOT / "plugins").parts[0]
        for module, names in imports(file):
            if module == "framework.components":
                allowed = names == ["Component"]
            elif module == "framework":
                allowed = set(names) <= set(framework.__all__)
            else:
                allowed = module.split(".")[0] == plugin or not module.startswith("framework")
            offenders += [] if allowed else [(str(file), module, names)]
    assert offenders == []


def test_every_public_name_exists_and_is_documented():
    assert [name for name in framework.__all__ if not getattr(framework, name).__doc__] == []
    with pytest.raises(AttributeError, match="nothing"):
        framework.nothing  # noqa: B018


def test_every_package_describes_its_modules():
    missing = []
    for part in [*WORK, "recipe"]:
        package = ROOT / "framework" / part
        description = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
        modules = {path.name for path in package.glob("[!_]*.py")}
        modules |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
        missing += [f"{part}/{name}" for name in sorted(modules) if name not in description]
    assert missing == []
