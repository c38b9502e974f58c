"""What holds for all of the code: it is documented, its recipes are valid, its imports keep their direction."""

import ast
from pathlib import Path

import pytest

import framework
from framework import Registry
from framework.components import KINDS
from framework.recipe import Evaluate, Lookahead, Preprocess, Recipe, Train, load_recipe

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/__init__.py"))
FOUNDATION = ["errors", "section", "attribution", "components", "hookspecs", "component_checks"]
FOUNDATION += ["plugin", "plugin_loading", "plugin_file", "registry", "recipe", "files", "reach", "device"]
WORK = ["data", "evaluation", "runs", "inference", "training", "report", "export"]
PARTS = [*FOUNDATION, *WORK]
HOME_OF = {name: home.split(".")[1] for home, names in framework._HOMES.items() for name in names}

registry = Registry.load()
COMPONENTS = [registry.find(kind, name) for kind in KINDS for name in registry.names(kind)]


def label(value):
    return f"{value.kind}-{value.name}" if hasattr(value, "kind") else getattr(value, "stem", value)


def imports(file):
    """Each (module, names) that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:  # a relative one stays in the package
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


@pytest.mark.parametrize("component", COMPONENTS, ids=label)
def test_every_component_is_documented(component):
    assert component.__doc__
    undescribed = [name for name, field in component.model_fields.items() if not field.description]
    assert undescribed == []


@pytest.mark.parametrize(
    "section", [Recipe, Preprocess, Train, Lookahead, Evaluate], ids=lambda section: section.__name__
)
def test_every_option_of_a_recipe_is_documented(section):
    assert section.__doc__
    assert [name for name, field in section.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("recipe", RECIPES, ids=label)
def test_every_recipe_validates(recipe):
    assert load_recipe(recipe, registry)


@pytest.mark.parametrize("recipe", RECIPES, ids=label)
def test_every_recipe_opens_with_the_command_that_runs_it_and_says_what_it_is(recipe):
    command, description = recipe.read_text().splitlines()[:2]
    assert command.split(" dataset.root=")[0] == f"# framework run recipes/{recipe.name}"
    assert description.startswith("# ")


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_built_on_those_before_it(part):
    allowed = set(PARTS[: PARTS.index(part) + 1])
    files = [file for file in (ROOT / "framework").rglob("*.py") if part_of(file) == part]
    assert files
    for file in files:
        assert set(parts_imported(file)) <= allowed, file


@pytest.mark.parametrize("file", sorted((ROOT / "framework").rglob("*.py")), ids=lambda file: file.stem)
def test_the_framework_never_imports_a_plugin(file):
    assert [module for module, _ in imports(file) if module.startswith("framework_")] == []


@pytest.mark.parametrize("plugin", PLUGINS, ids=label)
def test_a_plugin_imports_public_names_only(plugin):
    for file in plugin.rglob("*.py"):
        for module, names in imports(file):
            if module == "framework.components":
                assert names == ["Component"], file
            elif module == "framework":
                assert set(names) <= set(framework.__all__), file
            else:
                assert not module.startswith("framework.") or module.startswith(plugin.name), file


@pytest.mark.parametrize("plugin", PLUGINS, ids=label)
def test_a_plugin_imports_no_other_plugin(plugin):
    for file in plugin.rglob("*.py"):
        others = [module for module, _ in imports(file) if module.startswith("framework_")]
        assert {module.split(".")[0] for module in others} <= {plugin.name}, file


@pytest.mark.parametrize("name", framework.__all__)
def test_every_public_name_is_there(name):
    assert getattr(framework, name).__doc__


def test_a_name_that_is_not_public_is_not_there():
    with pytest.raises(AttributeError, match="module 'framework' has no attribute 'nothing'"):
        framework.nothing  # noqa: B018


@pytest.mark.parametrize("room", [*WORK, "recipe"])  # cli has one for each command, and lists those
def test_a_package_says_what_is_in_its_modules(room):
    package = ROOT / "framework" / room
    told = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
    modules = {path.name for path in package.glob("[!_]*.py")}
    modules |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert [name for name in sorted(modules) if name not in told] == []
