"""Components from a loose file: `--plugin my_model.py`."""

import importlib
import json
import shutil

import pytest

from framework import RunFolder

MODEL = '''
from pydantic import Field

from framework import Model


class Mine(Model):
    """A linear layer on the pixels."""

    name = "mine"
    scale: float = Field(1.0, gt=0)
    """Factor of the pixels."""

    def build(self, num_classes, channels, image_size):
        from torch import nn

        height, width = image_size
        return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, num_classes))
'''
RECIPE = """
dataset: {name: drawn_faces, train_images: 140, test_images: 70}
preprocess: {size: 16}
model: {name: mine, scale: 2.0}
train: {max_steps: 2, batch_size: 20, device: cpu, precision: float32}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a recipe and the file of its model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text(RECIPE)
    (tmp_path / "my_model.py").write_text(MODEL)
    return tmp_path


@pytest.fixture
def run(framework, folder):
    """A run with the file."""
    result = framework("run", "my.yaml", "--plugin", "my_model.py", "--out", "run")
    assert result.status == 0, result.err
    return folder / "run"


def image(folder):
    from PIL import Image

    Image.linear_gradient("L").save(folder / "photo.png")
    return "photo.png"


def test_its_classes_are_components_of_a_plugin_named_after_it(framework, folder):
    (folder / "other.py").write_text(MODEL.replace("Mine", "Other").replace('"mine"', '"other"'))
    files = ("--plugin", "my_model.py", "--plugin", "other.py")
    assert framework("check", "my.yaml", *files).status == 0
    plugins = {plugin["name"]: plugin for plugin in json.loads(framework("plugins", "--json", *files).out)["plugins"]}
    assert plugins["my_model"]["components"] == {"models": ["mine"]}
    assert plugins["my_model"]["distribution"] == "my_model.py"
    assert "Factor of the pixels." in framework("show", "model", "mine", *files).out
    assert "other" in json.loads(framework("list", "models", "--json", *files).out)["models"]


def test_without_the_option_there_is_no_such_component(framework, folder):
    result = framework("check", "my.yaml")
    assert result.status == 2
    assert "my.yaml:4:15" in result.err


def test_the_run_keeps_the_file_and_records_its_digest(run, folder):
    assert (run / "plugins" / "my_model.py").read_text() == MODEL
    recorded = RunFolder(run).read("environment")
    assert len(recorded["plugins"]["my_model"]["sha256"]) == 64
    assert recorded["plugins"]["my_model"]["file"] == str(folder / "my_model.py")
    assert recorded["components"]["model"] == {"mine": "my_model"}


def test_later_commands_find_the_copy(framework, run, folder):
    (folder / "my_model.py").unlink()
    for command in (("evaluate", "run"), ("predict", "run", image(folder)), ("export", "run", "--parity", "20")):
        result = framework(*command)
        assert (result.status, result.err) == (0, ""), result.err
    assert framework("predict", "run.onnx", "photo.png").status == 0


def test_python_finds_the_copy(run):
    from framework import Predictor

    assert len(Predictor.open(run).classes) == 7


def test_a_changed_original_is_reported_and_the_copy_is_used(framework, run, folder):
    (folder / "my_model.py").write_text("raise RuntimeError('not imported')")
    result = framework("evaluate", "run")
    assert result.status == 0
    assert str(folder / "my_model.py") in result.err


def test_the_option_replaces_the_copy_with_a_warning(framework, run, folder):
    (folder / "my_model.py").write_text(MODEL.replace("A linear layer", "One linear layer"))
    result = framework("evaluate", "run", "--plugin", "my_model.py")
    assert result.status == 0
    assert "my_model.py" in result.err


@pytest.mark.parametrize("damage", ["change", "remove"])
def test_a_changed_or_missing_copy_is_an_error(framework, run, damage):
    copy = run / "plugins" / "my_model.py"
    copy.write_text(MODEL + "\n") if damage == "change" else copy.unlink()
    result = framework("evaluate", "run")
    assert result.status == 2
    assert "run/plugins/my_model.py" in result.err
    assert "--plugin" in result.err
    assert framework("evaluate", "run", "--plugin", "my_model.py").status == 0


def test_a_run_is_resumed_without_the_option_and_not_with_another_file(framework, folder):
    recipe = ("my.yaml", "--out", "run", "train.epochs=2", "train.max_steps=null")
    assert framework("run", *recipe, "--plugin", "my_model.py").status == 0
    weights = (folder / "run" / "model.safetensors").read_bytes()
    for file in ("results.json", "model.safetensors"):
        (folder / "run" / file).unlink()
    checkpoints = sorted((folder / "run" / "checkpoints").glob("step*"))
    assert len(checkpoints) > 1
    checkpoints[-1].unlink()
    (folder / "my_model.py").write_text(MODEL + "\n# changed\n")
    refused = framework("run", *recipe, "--resume", "--plugin", "my_model.py")
    assert refused.status == 2
    assert "my_model.py" in refused.err
    resumed = framework("run", *recipe, "--resume")
    assert resumed.status == 0, resumed.err
    assert str(folder / "my_model.py") in resumed.err
    assert (folder / "run" / "model.safetensors").read_bytes() == weights


def test_runs_of_two_versions_of_a_file_are_compared(framework, run, folder):
    (folder / "my_model.py").write_text(MODEL.replace("nn.Flatten(),", "nn.Flatten(), nn.Identity(),"))
    assert framework("run", "my.yaml", "--plugin", "my_model.py", "--out", "other").status == 0
    assert framework("compare", "run", "other").status == 0
    assert framework("evaluate", "run", "other").status == 0


def test_a_bundle_contains_no_code_and_names_the_file_that_it_needs(framework, run, folder):
    bundled = framework("bundle", "run")
    assert bundled.status == 0
    assert "my_model.py" in bundled.out
    content = (folder / "run.safetensors").read_bytes()
    assert b"nn.Linear" not in content
    assert str(folder).encode() not in content
    assert b"my_model.py" in content
    shutil.rmtree(run)
    refused = framework("predict", "run.safetensors", image(folder))
    assert refused.status == 2
    assert "--plugin my_model.py" in refused.err
    assert "pip install" not in refused.err
    allowed = framework("predict", "run.safetensors", "photo.png", "--plugin", "my_model.py")
    assert (allowed.status, allowed.err) == (0, "")
    (folder / "my_model.py").write_text(MODEL + "\n")
    assert "my_model.py" in framework("predict", "run.safetensors", "photo.png", "--plugin", "my_model.py").err


def test_a_soup_keeps_the_file(framework, run, folder):
    assert framework("run", "my.yaml", "seed=1", "--plugin", "my_model.py", "--out", "two").status == 0
    assert framework("soup", "run", "two", "--out", "soup").status == 0
    assert framework("evaluate", "soup").status == 0


def test_hooks_in_the_file_are_used(framework, folder):
    hooks = "\nfrom framework import hookimpl\n@hookimpl\ndef components():\n    return [Mine]\n"
    second = MODEL.replace("Mine", "Second").replace('"mine"', '"second"')
    (folder / "my_model.py").write_text(MODEL + second + hooks)
    assert framework("check", "my.yaml", "--plugin", "my_model.py").status == 0
    assert framework("check", "my.yaml", "model=second", "--plugin", "my_model.py").status == 2


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("x = 1\ndef (:\n", 2, "SyntaxError"),
        ("x = 1\n\nundefined\n", 3, "NameError"),
        ("def f():\n    return 1 / 0\nf()\n", 2, "ZeroDivisionError"),
        ("import not_installed_anywhere\n", 1, "ModuleNotFoundError"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit"),
        (MODEL.replace('"mine"', '"My Model"'), 7, "My Model"),
        (MODEL.replace("num_classes, channels", "classes, channels"), 7, "classes"),
        ("x = 1\n", None, "component"),
        ("from framework import hookimpl\n@hookimpl\ndef components():\n    return 1 / 0\n", 4, "ZeroDivisionError"),
    ],
)
def test_a_fault_of_the_file_has_its_line_and_no_traceback(framework, folder, source, line, reason):
    (folder / "my_model.py").write_text(source)
    result = framework("check", "my.yaml", "--plugin", "my_model.py")
    assert result.status == 2
    assert result.err.startswith(f"my_model.py:{line}: " if line else "my_model.py: ")
    assert reason in result.err
    assert "Traceback" not in result.err


def test_a_fault_in_build_names_the_file_and_the_line(framework, folder):
    (folder / "my_model.py").write_text(MODEL.replace("        height, width", "        oops\n        height, width"))
    result = framework("run", "my.yaml", "--plugin", "my_model.py", "--out", "run")
    assert result.status == 2
    assert "model 'mine'" in result.err
    assert "plugin file 'my_model.py', line 17" in result.err
    assert not (folder / "run").exists()


def test_a_neighbour_cannot_be_imported(framework, folder):
    (folder / "layers.py").write_text("x = 1\n")
    (folder / "my_model.py").write_text("import layers\n")
    assert "layers.py" in framework("check", "my.yaml", "--plugin", "my_model.py").err


@pytest.mark.parametrize(("file", "content"), [("nowhere.py", None), ("notes.txt", "x"), ("torch.py", MODEL)])
def test_a_file_that_cannot_be_a_plugin_is_refused(framework, folder, file, content):
    if content:
        (folder / file).write_text(content)
    result = framework("check", "my.yaml", "--plugin", file)
    assert result.status == 2
    assert file in result.err


def test_a_name_that_an_installed_plugin_offers_names_both(framework, folder):
    (folder / "my_model.py").write_text(MODEL.replace('"mine"', '"tinynet"'))
    result = framework("check", "my.yaml", "model=tinynet", "--plugin", "my_model.py")
    assert result.status == 2
    assert "my_model.py" in result.err
    assert "plugin 'stranger'" in result.err


def test_every_command_that_loads_components_takes_a_file():
    from framework.cli import COMMANDS, command_parser, module_of

    without = []
    for name, summary in COMMANDS.items():
        parser = command_parser(name, summary)
        importlib.import_module(module_of(name)).configure(parser)
        without += [] if "--plugin" in parser.format_help() else [name]
    assert without == ["data cache"]
