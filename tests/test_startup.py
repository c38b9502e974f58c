"""Fast commands do not import torch (measured by imported modules, not by time)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

STRANGER = Path(__file__).parent / "stranger"
HEAVY = ("torch", "torchvision", "timm")
COMMANDS = {
    "version": (["--version"], 0),
    "help": (["--help"], 0),
    "export --help": (["export", "--help"], 0),
    "bench --help": (["bench", "--help"], 0),
    "run --help": (["run", "--help"], 0),
    "list": (["list"], 0),
    "list models": (["list", "models", "resnet"], 0),
    "list runs": (["list", "runs", "."], 2),
    "diff": (["diff", "drawn/faces", "fer2013/compact"], 0),
    "list recipes": (["list", "recipes"], 0),
    "show": (["show", "model", "resnet18"], 0),
    "show timm": (["show", "model", "timm/convnext_atto"], 0),
    "check": (["check", "fer2013_resnet18"], 0),
    "check --resolved": (["check", "fer2013_resnet18", "model=timm/convnext_atto", "--resolved"], 0),
    "check a stranger's": (["check", "fer2013_resnet18", "model=tinynet", "dataset=dots"], 0),
    "three mistakes": (["check", "fer2013_resnet18", "modle=x", "train.epochs=no", "loss=none"], 2),
    "run with mistakes": (["run", "fer2013_resnet18", "modle=x"], 2),
    "plugins": (["plugins"], 0),
    "schema": (["schema"], 0),
    "data cache": (["data", "cache"], 0),
    "new recipe": (["new", "recipe", "new.yaml"], 0),
    "new plugin": (["new", "plugin", "okapi"], 0),
}
SCRIPT = """
import contextlib, io, json, sys
from framework.cli import main
outcomes = {}
for label, (arguments, _) in json.load(sys.stdin).items():
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
        try:
            status = main(arguments)
        except SystemExit as exit:
            status = exit.code
    outcomes[label] = [status, sorted(sys.modules), errors.getvalue()]
print(json.dumps(outcomes))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """After each command, in one process: the status, all modules that are imported by then, and stderr."""
    environment, here = os.environ | {"PYTHONPATH": str(STRANGER)}, tmp_path_factory.mktemp("here")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(COMMANDS), env=environment, cwd=here,
        text=True, capture_output=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_these_commands_do_not_import_torch(outcomes):
    for command, (status, modules, errors) in outcomes.items():
        assert (command, status) == (command, COMMANDS[command][1]), errors
        assert set(HEAVY).isdisjoint(modules), command


def test_the_version_imports_no_plugin_and_no_large_package(outcomes):
    modules = outcomes["version"][1]
    assert {"pydantic", "ruamel.yaml", "rich", "pluggy", "numpy", "framework_stranger"}.isdisjoint(modules)


def modules_after(*arguments):
    """All modules that a command has imported; only the framework's own plugins are installed."""
    script = "import sys; from framework.cli import main\ntry: main(sys.argv[1:])\nfinally: print(*sys.modules)"
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True).stdout.split()


def test_the_help_of_a_command_imports_no_plugin():
    modules = modules_after("run", "--help")
    assert "framework.cli.run_command" in modules
    assert "framework_torch" not in modules


@pytest.mark.parametrize("arguments", [["--help"], [], ["lisst"]])
def test_help_and_an_unknown_command_import_no_plugin_and_no_large_package(arguments):
    modules = modules_after(*arguments)
    assert "framework.cli.plugin_commands" in modules
    assert {"pydantic", "ruamel.yaml", "pluggy", "framework.registry", "framework_torch"}.isdisjoint(modules)


def test_the_help_imports_the_plugins_of_other_distributions_alone(outcomes):
    plugins = {name.split(".")[0] for name in outcomes["help"][1] if name.startswith("framework_")}
    assert plugins == {"framework_stranger", "framework_tasks"}  # which the former imports


def test_only_commands_that_read_a_recipe_import_the_parts_for_it():
    assert {"ruamel.yaml", "framework.recipe", "framework.recipe.sections"}.isdisjoint(modules_after("list"))


def test_three_mistakes_are_three_lines_without_a_traceback(outcomes):
    lines = outcomes["three mistakes"][2].splitlines()
    assert [line.split(": ")[0] for line in lines] == ["modle=x", "train.epochs=no", "loss=none"]


def test_importing_the_package_imports_none_of_its_modules():
    script = "import sys, framework; print([name for name in sys.modules if name.startswith('framework.')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"[]\n"
