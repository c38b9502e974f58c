"""A run or bundle whose plugin is not installed names the plugin."""

import json
import sys

import pytest

from framework import RunFolder
from framework.cli import main

RECIPE = """
dataset: dots
preprocess: {size: 16}
model: {name: warm, inside: {name: tinynet, dropout: 0.0}}
optimizer: plain_sgd
train: {max_steps: 1, batch_size: 20, device: cpu, precision: float32}
"""
ORIGIN = "plugin 'stranger' (framework-stranger 1.2)"


@pytest.fixture
def without(tmp_path, framework, capfd):
    """The command line without the plugin that a run uses."""
    (tmp_path / "dots.yaml").write_text(RECIPE)
    assert framework("run", tmp_path / "dots.yaml", "--out", tmp_path / "run").status == 0
    assert framework("bundle", tmp_path / "run", "--out", tmp_path / "sealed.safetensors").status == 0
    sys.path.pop(0)

    def call(*arguments):
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        return status, capfd.readouterr().err

    return call


def test_a_run_records_the_plugin_of_each_component(without, tmp_path):
    recorded = RunFolder(tmp_path / "run").read("environment")["components"]
    assert recorded["model"] == {"warm": "stranger", "tinynet": "stranger"}
    assert recorded["loss"] == {"cross_entropy": "torch"}
    assert recorded["optimizer"] == {"plain_sgd": "stranger"}


@pytest.mark.parametrize(
    "command", ["predict run photos", "predict sealed.safetensors photos", "export run", "bench run"]
)
def test_the_network_s_plugin_is_named(command, without, tmp_path, photos, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, err = without(*command.split())
    assert status == 2
    assert ORIGIN in err
    assert "model 'warm'" in err
    assert "framework-stranger==1.2" in err
    assert "command line" not in err


def test_every_missing_component_of_a_recipe_is_named(without, tmp_path):
    status, err = without("evaluate", tmp_path / "run")
    assert status == 2
    assert ORIGIN in err
    assert [name for name in ("'warm'", "'dots'", "'plain_sgd'") if name not in err] == []


def test_another_recipe_error_is_reported_too(without, tmp_path):
    _, err = without("evaluate", tmp_path / "run", "dataset=nonsense")
    assert "'nonsense'" in err
    assert "model 'warm'" in err
    assert "'dots'" not in err


def test_without_recorded_components_the_missing_plugins_are_named(without, tmp_path):
    file = tmp_path / "run" / "environment.json"
    environment = json.loads(file.read_text())
    del environment["components"]
    file.write_text(json.dumps(environment))
    _, err = without("evaluate", tmp_path / "run")
    assert ORIGIN in err
    assert "plugin 'torch'" not in err


def test_resuming_names_the_plugin_too(without, tmp_path):
    status, err = without("run", tmp_path / "dots.yaml", "--out", tmp_path / "run", "--resume")
    assert status == 2
    assert ORIGIN in err
